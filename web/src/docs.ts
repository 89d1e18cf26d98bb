/** `/docs`: the description of the API, rendered. Everything that it loads comes from here, so it works offline. */
import SwaggerUI from "swagger-ui-dist/swagger-ui-es-bundle.js";
import "swagger-ui-dist/swagger-ui.css";

SwaggerUI({
  url: "/openapi.json",
  domNode: document.querySelector("#docs"),
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  // Its badge asks a server of theirs.
  validatorUrl: null,
});
