/** The same run on Restate's SDK: `node restate-service.mjs <port>`. Plain JavaScript, for the SDK is only there once the bench has installed it. */
import * as restate from "@restatedev/restate-sdk";

const counting = restate.service({
  name: "counting",
  handlers: {
    async run(ctx, steps) {
      let sum = 0;
      for (let number = 1; number <= steps; number += 1) sum = await ctx.run(`add ${number}`, async () => sum + 1);
      return sum;
    },
  },
});

const port = Number(process.argv[2]);
await restate.serve({ services: [counting], port });
console.log(`serving at ${port}`);
