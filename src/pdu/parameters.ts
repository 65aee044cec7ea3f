// What the login phase agreed on (RFC 7143 §13): the values both ends hold to from the first full-feature PDU on.
// How they are negotiated is login/negotiation.ts's; here they are facts.

/** HeaderDigest and DataDigest, §13.1. */
export const Digest = { none: 'None', crc32c: 'CRC32C' } as const;
export type Digest = (typeof Digest)[keyof typeof Digest];

/** Values that hold for the whole session. Lengths in bytes, times in seconds. */
export interface SessionParameters {
  maxConnections: number;
  initialR2T: boolean;
  immediateData: boolean;
  maxBurstLength: number;
  firstBurstLength: number;
  defaultTime2Wait: number;
  defaultTime2Retain: number;
  maxOutstandingR2T: number;
  dataPDUInOrder: boolean;
  dataSequenceInOrder: boolean;
  errorRecoveryLevel: number;
  taskReporting: 'RFC3720' | 'ResponseFence' | 'FastAbort';
  iSCSIProtocolLevel: number;
}

/** Values that each connection has of its own. */
export interface ConnectionParameters {
  headerDigest: Digest;
  dataDigest: Digest;
  /** What we declared: the longest data segment the initiator may send, in bytes. */
  maxRecvDataSegmentLength: number;
  /** What the initiator declared: the longest data segment we may send, in bytes. */
  maxXmitDataSegmentLength: number;
}

/** The values that hold where nothing was negotiated: the defaults of §13. */
export const DEFAULT_SESSION_PARAMETERS: Readonly<SessionParameters> = {
  maxConnections: 1,
  initialR2T: true,
  immediateData: true,
  maxBurstLength: 262144,
  firstBurstLength: 65536,
  defaultTime2Wait: 2,
  defaultTime2Retain: 20,
  maxOutstandingR2T: 1,
  dataPDUInOrder: true,
  dataSequenceInOrder: true,
  errorRecoveryLevel: 0,
  taskReporting: 'RFC3720',
  iSCSIProtocolLevel: 1,
};

/** See {@link DEFAULT_SESSION_PARAMETERS}. */
export const DEFAULT_CONNECTION_PARAMETERS: Readonly<ConnectionParameters> = {
  headerDigest: Digest.none,
  dataDigest: Digest.none,
  maxRecvDataSegmentLength: 8192,
  maxXmitDataSegmentLength: 8192,
};
