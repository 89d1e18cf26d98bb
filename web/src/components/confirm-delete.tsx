import { useEffect, useRef } from "react";

interface ConfirmDeleteProps {
  title: string;
  onCancel: () => void;
  onConfirm: () => void;
}

/** A native modal dialog: it traps the focus, closes on Escape and gives the focus back. */
export function ConfirmDelete({ title, onCancel, onConfirm }: ConfirmDeleteProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby="delete-title" onClose={onCancel}>
      <h2 id="delete-title">Delete this conversation?</h2>
      <p>“{title}” and its messages will be gone for good.</p>
      <form method="dialog" className="dialog-actions">
        <button type="submit" className="button button-quiet">
          Cancel
        </button>
        <button type="button" className="button button-danger" onClick={onConfirm}>
          Delete
        </button>
      </form>
    </dialog>
  );
}
