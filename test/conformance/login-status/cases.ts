// Every way to provoke each of the 18 login status codes, by name. A code's test file proves each of its cases; all-codes.test.ts
// holds that no file and no case is missing.

import { test } from 'vitest';

/** The cases of each code, and with them the neighbours that must pass. */
export const CASES = {
  '0000': [
    'a plain login',
    'TSIHs are not 0, and differ from session to session',
    'TargetPortalGroupTag is in the first response that follows TargetName',
    'only the final response has a TSIH',
  ],
  '0101': [
    'a login is sent elsewhere, and succeeds there',
    'an IPv6 address is in brackets, without the portal group tag',
    'a redirect of the target comes before security',
    'a redirect of one initiator comes after security, and concerns no other',
    'never to the portal in use',
  ],
  '0102': [
    'a login is sent elsewhere for good, and succeeds there',
    'an IPv6 address is in brackets, without the portal group tag',
    'a redirect of the target comes before security',
    'a redirect of one initiator comes after security, and concerns no other',
    'never to the portal in use',
  ],
  '0200': [
    'T together with C',
    'a reserved CSG',
    'a reserved NSG',
    'an NSG that does not lead onward',
    'CSG changed without a transit',
    'Version-max changed inside a login',
    'Version-min changed inside a login',
    'ISID changed inside a login',
    'TSIH changed inside a login',
    'CID changed inside a login',
    'Initiator Task Tag changed inside a login',
    'CmdSN changed inside a login',
    'a key given twice in one request',
    'a key given twice in two requests',
    'an illegal value',
    'FirstBurstLength above MaxBurstLength',
    'a pair without =',
    'a text without its last NUL',
    'a key of 64 bytes',
    'a value of 256 bytes',
    'a binary value of 1025 bytes',
    'an illegal iSCSI name',
    'security keys after the security stage',
    'too many requests',
    'too much text',
  ],
  '0201': [
    'CHAP is wanted and only None offered',
    'CSG=1 straight away',
    'an empty security step',
    'no common method',
    'no common CHAP_A',
    'an unknown CHAP_N',
    'a wrong CHAP_R',
    'a short CHAP_R',
    'a misencoded CHAP_R',
    'CHAP_I and CHAP_C to a target with no mutual secret',
    'a reflected challenge',
    'an unknown user and a wrong secret look the same',
  ],
  '0202': ['a name that is not on the list', 'the right name from the wrong network', "another account's valid CHAP"],
  '0203': [
    'an unknown name',
    'a name of another portal group',
    'names are compared without regard to case',
    'a denial under `hide`, alike in every bit',
  ],
  '0204': ['a target that was logged in to, and then deleted', 'after the time of the tombstone: 0203'],
  '0205': ['Version-min 1, Version-max 1', 'Version-min 0, Version-max 5 passes', 'checked before any text is read'],
  '0206': [
    'the connectionLimit of the target: so many succeed, and the next does not',
    'a logout frees its place at once',
    'a connection that is lost frees its place',
    'a connection beyond the MaxConnections of its session',
  ],
  '0207': [
    'no InitiatorName',
    'no TargetName in a normal session',
    'no CHAP_N',
    'no CHAP_R',
    'no CHAP_C beside CHAP_I',
    'no SessionType passes, and means Normal',
  ],
  '0208': ['a connection through another portal group than its session has', 'a connection to a discovery session'],
  '0209': ['SessionType=Foo', 'discovery where it is switched off'],
  '020A': [
    'an invented TSIH',
    'a real TSIH with another ISID',
    'a real TSIH with another InitiatorName',
    'a TSIH that was logged out',
  ],
  '020B': [
    'a SCSI Command after one step',
    'a Text Request after one step',
    'a NOP-Out after one step',
    'a Data-Out after one step',
    'a Logout Request after one step',
    'a NOP-Out as the first PDU gets a bare close',
  ],
  '0300': [
    'the backing file is gone',
    'an exception in the policy',
    'the worker is killed at the hand-off',
    'the worker is silent at the hand-off',
    'with a correlation id that finds the cause in the log',
  ],
  '0301': ['a target that is offline', 'a login while the target drains'],
  '0302': [
    'a sessionLimit of 1, and two ISIDs',
    'I/O memory of the worker is used up',
    'descriptors are exhausted',
    'logins under way are too many',
  ],
} as const;

export type Code = keyof typeof CASES;

/** A vitest `test` that takes the names of a code's cases and no other. */
export function casesOf<C extends Code>(_code: C) {
  return (name: (typeof CASES)[C][number], prove: () => Promise<void>, limitMs?: number): void => {
    test(name, prove, limitMs);
  };
}
