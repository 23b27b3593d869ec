export const PASSWORD = 'correct horse battery staple';
export const ADMIN = `Basic ${Buffer.from(`admin:${PASSWORD}`).toString('base64')}`;
