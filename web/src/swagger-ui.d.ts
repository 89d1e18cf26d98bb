/** The little that we use of it; the package has no types of its own. */
declare module "swagger-ui-dist/swagger-ui-es-bundle.js" {
  export default function SwaggerUI(options: {
    readonly url: string;
    readonly domNode: Element | null;
    readonly deepLinking: boolean;
    readonly defaultModelsExpandDepth: number;
    readonly validatorUrl: null;
  }): void;
}
