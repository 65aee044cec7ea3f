// Address and port as one text, as in URLs (RFC 3986 §3.2.2).
// Whether there is such an address, and in which of its spellings, is the caller's to know.

/** `192.0.2.7:3260`, `[2001:db8::7]:3260`, `host:3260`. */
export function hostPort(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
