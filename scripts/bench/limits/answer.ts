/** A Worker that only answers: as fast as the runtime gets. */
export default {
  fetch(): Response {
    return Response.json({});
  },
};
