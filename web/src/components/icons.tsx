import type { ReactNode } from "react";

/** Icons are decoration: the control that holds one carries the name. */
function Icon({ children }: { children: ReactNode }) {
  return (
    <svg className="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const MenuIcon = () => (
  <Icon>
    <path d="M3.5 6h13M3.5 10h13M3.5 14h9" />
  </Icon>
);
export const PlusIcon = () => (
  <Icon>
    <path d="M10 4v12M4 10h12" />
  </Icon>
);
export const CloseIcon = () => (
  <Icon>
    <path d="m5 5 10 10M15 5 5 15" />
  </Icon>
);
export const PenIcon = () => (
  <Icon>
    <path d="m4 16 .8-3.4 8.2-8.2a1.5 1.5 0 0 1 2.1 0l.5.5a1.5 1.5 0 0 1 0 2.1l-8.2 8.2z" />
  </Icon>
);
export const BinIcon = () => (
  <Icon>
    <path d="M4 6h12M8 6V4h4v2M5.5 6l.7 10h7.6l.7-10" />
  </Icon>
);
export const SendIcon = () => (
  <Icon>
    <path d="M10 16V4.5M5 9l5-5 5 5" />
  </Icon>
);
export const StopIcon = () => (
  <Icon>
    <rect x="5.5" y="5.5" width="9" height="9" rx="2" fill="currentColor" />
  </Icon>
);
export const DownIcon = () => (
  <Icon>
    <path d="M10 4v11.5M5 11l5 5 5-5" />
  </Icon>
);
export const ToolIcon = () => (
  <Icon>
    <path d="M12.5 3.5a4 4 0 0 0-3.7 5.5L3.5 14.3l2.2 2.2L11 11.2a4 4 0 0 0 5.3-4.9l-2.4 2.3-2.2-.3-.3-2.2 2.3-2.4a4 4 0 0 0-1.2-.2z" />
  </Icon>
);
export const ChevronIcon = () => (
  <Icon>
    <path d="m7 5 5 5-5 5" />
  </Icon>
);
export const CopyIcon = () => (
  <Icon>
    <path d="M7.5 7.5h8v9h-8zM12.5 7.5v-4h-8v9h3" />
  </Icon>
);
export const CheckIcon = () => (
  <Icon>
    <path d="m4.5 10.5 3.7 3.7 7.3-8" />
  </Icon>
);

export const Logo = () => (
  <svg className="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path d="M3 22c2.4-6.2 7-6.2 9.3 0M12.3 22c1.9-4.5 5.5-4.5 7.2 0M19.5 22c1.2-2.9 3.5-2.9 4.6 0" />
    <ellipse cx="27" cy="17.6" rx="3.2" ry="2" transform="rotate(-14 27 17.6)" />
  </svg>
);
