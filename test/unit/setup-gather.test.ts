/** What the wizard takes without a person, over a group that asks nobody. */
import { describe, expect, it } from "vitest";
import { gatherKnown } from "../../scripts/setup/gather.ts";
import type { Group } from "../../scripts/setup/questions.ts";

const group: Group = {
  title: "Post",
  where: "the office",
  optional: { words: "Post?", without: "nobody writes", name: "CARRIER", taken: "post", leftOut: "pigeon" },
  questions: [
    { name: "OFFICE", words: "Office", usual: "https://office.example" },
    { name: "STAMP", aliases: ["OLD_STAMP"], words: "Stamp", isSecret: true },
  ],
  check: () => Promise.resolve({ findings: [] }),
};

type Values = Readonly<Record<string, string>>;

function gathered(inFile: Values, stated: Values = {}) {
  return gatherKnown(
    group,
    (name) => stated[name] ?? inFile[name],
    (name) => stated[name],
  );
}

describe("a group that may be left out", () => {
  it.each<[string, Values, Values, Values]>([
    [
      "is taken with what is usual where only the rest is known",
      { STAMP: "s" },
      {},
      { OFFICE: "https://office.example", STAMP: "s", CARRIER: "post" },
    ],
    [
      "is taken by another name of a value",
      { OLD_STAMP: "s", OFFICE: "o" },
      {},
      { OFFICE: "o", STAMP: "s", CARRIER: "post" },
    ],
    ["stays left out in a file that holds its values", { STAMP: "s", CARRIER: "pigeon" }, {}, { CARRIER: "pigeon" }],
    [
      "is taken against the file where the environment has its values",
      { CARRIER: "pigeon" },
      { STAMP: "s" },
      { OFFICE: "https://office.example", STAMP: "s", CARRIER: "post" },
    ],
    [
      "is left out against its values where the environment says so",
      { STAMP: "s" },
      { STAMP: "s", CARRIER: "pigeon" },
      { CARRIER: "pigeon" },
    ],
  ])("%s", async (_what, inFile, stated, answers) => {
    expect(await gathered(inFile, stated)).toEqual({ answers, findings: [], missing: [] });
  });

  it("of which nothing is known is wrong, and nothing of it is written", async () => {
    const { answers, findings } = await gathered({});
    expect(answers).toEqual({});
    expect(findings).toEqual([
      {
        isOk: false,
        words: "Post: nobody has set STAMP, nor asked to do without.",
        mend: "set STAMP, or CARRIER=pigeon: nobody writes",
      },
    ]);
  });
});
