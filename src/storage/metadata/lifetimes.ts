/** How long things in D1 live, in seconds. (An upload session: uploads/upload-session.ts.) */

/** Collection leaves a link alone this long after an upload, a mount or a pusher's HEAD. */
export const LEASE = 2 * 60 * 60;

/** An R2 object stays this long after its last row went, for readers that still stream it. */
export const TRASH_GRACE = 24 * 60 * 60;

/** What lost a referrer is looked at after this. */
export const REVIEW_DELAY = 24 * 60 * 60;
