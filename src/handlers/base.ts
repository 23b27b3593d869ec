/** end-1: the registry speaks this API. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#determining-support */
export function check(): Response {
  return Response.json({});
}
