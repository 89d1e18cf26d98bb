/** A long text for whoever asks for one, so that streaming, stopping and resuming can be seen. */

const PARAGRAPHS = [
  "At the edge of a wide grey lake lived a flat stone that nobody had ever thrown. It lay among a thousand others and watched the water, and it believed, as quiet things sometimes do, that the far shore was only a rumour.",
  "One morning a girl with cold hands picked it up because it was thin and round and fitted her palm. She did not make a speech. She turned sideways, bent her knee, and let it go, and the stone learned in one instant what air was.",
  "The first touch was a surprise. It had expected to sink, and instead the lake pushed back, a single clean slap, and sent it up again with a ring of light widening behind it. So that is how it is done, thought the stone: briefly.",
  "The second touch was longer and the third was shorter. Between them there was wind, and the smell of reeds, and a heron that lifted one foot and then decided that the matter was none of its business.",
  "By the fifth touch the stone had begun to keep count. It told itself that the rings were a kind of diary: anyone who came later could read from them where it had been, in which order, and how hard it had landed each time.",
  "At the seventh touch a gust took it sideways and it wobbled badly. For a moment it was certain that everything was lost. But the ring of the sixth was still there, round and plain, and the stone set out again from where that one had ended.",
  "The girl on the shore had stopped breathing. Her brother, who had come to call her for breakfast, stood with his mouth open and forgot what the breakfast was. They counted aloud together: eight, nine, ten, eleven.",
  "The twelfth touch was hardly a touch at all. The stone had grown slow and the water had grown kind, and they met like two people who have been writing letters for years. Then it slid up on the sand of the far shore, which was no rumour, and lay down warm in the sun.",
];

/** Words in a story when nobody asks for a number. */
const STORY_WORDS_DEFAULT = 320;
const STORY_WORDS_MAX = 5_000;

/**
 * Tells the story, chapter after chapter, until it has at least `words` words. Every chapter is numbered, so a text that
 * was doubled or lost a part in between shows it.
 *
 * @param words capped at 5,000.
 */
export function tellStory(words: number = STORY_WORDS_DEFAULT): string {
  const wanted = Math.min(Math.max(words, 1), STORY_WORDS_MAX);
  const parts = ["I am an offline demo model with one story to tell, so here it is."];
  let written = 0;
  for (let index = 0; written < wanted; index++) {
    const paragraph = PARAGRAPHS[index % PARAGRAPHS.length] ?? "";
    parts.push(`Chapter ${index + 1}. ${paragraph}`);
    written += paragraph.split(" ").length + 2;
  }
  parts.push("The end.");
  return parts.join("\n\n");
}

/** Counts aloud, with words so that a gap is seen: "1, 2, 3". */
export function countTo(last: number): string {
  const end = Math.min(Math.max(Math.trunc(last), 1), STORY_WORDS_MAX);
  return `${Array.from({ length: end }, (_, index) => index + 1).join(", ")}.`;
}
