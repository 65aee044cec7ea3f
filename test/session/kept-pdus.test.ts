import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BHS_SIZE } from '../../src/pdu/bhs.ts';
import { KeptPdus } from '../../src/session/kept-pdus.ts';
import { SentPdu } from '../../src/session/sent-pdu.ts';

const PDUS = 6;

describe('KeptPdus', () => {
  it('knows the oldest, and lets anyone leave, as a list would', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: PDUS - 1 })), (steps) => {
        const kept = new KeptPdus();
        const pdus = Array.from({ length: PDUS }, () => new SentPdu(new Uint8Array(BHS_SIZE)));
        let model: SentPdu[] = [];
        // Each step has one come, or go when it is there.
        for (const index of steps) {
          const pdu = pdus[index]!;
          if (model.includes(pdu)) {
            expect(kept.delete(pdu)).toBe(true);
            model = model.filter((each) => each !== pdu);
          } else {
            expect(kept.delete(pdu)).toBe(false);
            kept.add(pdu);
            model.push(pdu);
          }
          expect(kept.oldest).toBe(model[0] ?? null);
        }
        for (const pdu of model) {
          expect(kept.oldest).toBe(pdu);
          kept.delete(pdu);
        }
        expect(kept.oldest).toBeNull();
      }),
    );
  });
});
