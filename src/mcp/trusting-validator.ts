import type { JsonSchemaValidatorResult, jsonSchemaValidator } from "@modelcontextprotocol/sdk/validation/types.js";

/**
 * Takes every value. The library's own validator makes code out of schemas, which Workers refuse, and would let a remote server decide which code that is.
 * Nothing is lost by it: what we are sent is read by our own schemas, and what remote tools answer is data for a model, whatever its form.
 */
export const trustingValidator: jsonSchemaValidator = {
  getValidator<T>() {
    return (input: unknown): JsonSchemaValidatorResult<T> => ({
      valid: true,
      data: input as T,
      errorMessage: undefined,
    });
  },
};
