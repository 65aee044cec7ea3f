// What this target brings to every negotiation: the settings, and what the data plane can do.
// How offers of both sides become one value is negotiation.ts.

import type { TargetSettings, TuningSettings } from '../config/settings.ts';
import { LOGIN_SEGMENT_BYTES_MAX } from './login-header.ts';
import type { OfferedParameters } from './policy.ts';

/** Bursts of one WRITE that may be solicited at a time: enough to hide the round trip, few enough to share the memory. */
const MAX_OUTSTANDING_R2T = 4;
/** The RFC's default: long enough for a target to notice that a connection is gone. */
const TIME2WAIT_SECONDS = 2;

/** The RFC's default: for so long the tasks of a lost connection are kept, at ErrorRecoveryLevel 2. */
const TIME2RETAIN_SECONDS = 20;

/** The offer of a target. */
export function offerOf(
  target: Pick<TargetSettings, 'maxConnections' | 'digests' | 'errorRecoveryLevel'>,
  tuning: Pick<
    TuningSettings,
    'maxRecvDataSegmentLength' | 'maxBurstLength' | 'firstBurstLength' | 'immediateData' | 'initialR2T'
  >,
): OfferedParameters {
  return {
    headerDigest: target.digests.header,
    dataDigest: target.digests.data,
    maxRecvDataSegmentLength: tuning.maxRecvDataSegmentLength,
    maxConnections: target.maxConnections,
    initialR2T: tuning.initialR2T,
    immediateData: tuning.immediateData,
    maxBurstLength: tuning.maxBurstLength,
    firstBurstLength: Math.min(tuning.firstBurstLength, tuning.maxBurstLength),
    defaultTime2Wait: TIME2WAIT_SECONDS,
    // Below level 2 nothing is kept of a session whose last connection broke: nobody should wait for it.
    defaultTime2Retain: target.errorRecoveryLevel < 2 ? 0 : TIME2RETAIN_SECONDS,
    maxOutstandingR2T: MAX_OUTSTANDING_R2T,
    errorRecoveryLevel: target.errorRecoveryLevel,
    taskReporting: ['RFC3720'],
    iSCSIProtocolLevel: 1,
  };
}

/** Discovery sessions carry text only: no digests, and the data segment that holds during login. */
export const DISCOVERY_OFFER: OfferedParameters = {
  headerDigest: 'off',
  dataDigest: 'off',
  maxRecvDataSegmentLength: LOGIN_SEGMENT_BYTES_MAX,
  maxConnections: 1,
  initialR2T: true,
  immediateData: false,
  maxBurstLength: 262144,
  firstBurstLength: 65536,
  defaultTime2Wait: TIME2WAIT_SECONDS,
  defaultTime2Retain: 0,
  maxOutstandingR2T: 1,
  errorRecoveryLevel: 0,
  taskReporting: ['RFC3720'],
  iSCSIProtocolLevel: 1,
};
