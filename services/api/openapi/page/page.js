// Runs in the browser, after swagger-ui.js.
SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#api',
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: 0,
  // The default validator would ask a third party's server.
  validatorUrl: null,
})
