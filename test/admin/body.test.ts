import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BODY_BYTES_MAX, BodyReader, DISCARDED_BYTES_MAX, parseBody } from '../../src/admin/body.ts';
import { ApiError } from '../../src/admin/http.ts';

const JSON_TYPE = 'application/json';

function refusal(body: Buffer | null, type = JSON_TYPE): ApiError {
  try {
    parseBody(body, type);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('a body', () => {
  test('is the same however it is cut', () => {
    const pieces = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 20 });
    fc.assert(
      fc.property(pieces, (chunks) => {
        const reader = new BodyReader(true);
        for (const chunk of chunks) expect(reader.take(chunk, false)).toBe('more');
        expect(reader.take(new ArrayBuffer(0), true)).toBe('whole');
        expect(reader.body).toEqual(Buffer.concat(chunks));
        expect(reader.held).toBe(Buffer.concat(chunks).length);
      }),
    );
  });

  test('does not change when the memory it came in is used again', () => {
    const reader = new BodyReader(true);
    const memory = new Uint8Array([1, 2, 3]);
    reader.take(memory.buffer, true);
    memory.fill(9);
    expect(reader.body).toEqual(Buffer.from([1, 2, 3]));
  });

  test('may have as many bytes as it may, and not one more', () => {
    const full = new BodyReader(true);
    full.take(new ArrayBuffer(BODY_BYTES_MAX), true);
    expect(full.body).toHaveLength(BODY_BYTES_MAX);
    const over = new BodyReader(true);
    over.take(new ArrayBuffer(BODY_BYTES_MAX), false);
    expect(over.take(new ArrayBuffer(1), true)).toBe('whole');
    expect([over.body, over.held]).toEqual([null, 0]);
  });

  test('that nobody wants is dropped, and cut off when it goes on', () => {
    const reader = new BodyReader(false);
    const chunk = new ArrayBuffer(1024 * 1024);
    for (let taken = 0; taken < DISCARDED_BYTES_MAX; taken += chunk.byteLength) {
      expect(reader.take(chunk, false)).toBe('more');
    }
    expect(reader.held).toBe(0);
    expect(reader.take(chunk, false)).toBe('endless');
  });
});

describe('JSON', () => {
  test('is read', () => {
    expect(parseBody(Buffer.from('{"a":"ü"}'), 'application/json; charset=utf-8')).toEqual({ a: 'ü' });
    expect(parseBody(Buffer.alloc(0), '')).toBeUndefined();
  });

  test.each(['', 'text/plain', 'application/jsonp', 'application/x-www-form-urlencoded'])(
    'of type %j is refused',
    (type) => {
      expect(refusal(Buffer.from('{}'), type)).toMatchObject({ status: 415 });
    },
  );

  test.each(['{"secret":"not for logs', '\u0000', 'NaN', '{"a":1}}', "{'a':1}"])(
    'malformed, %j, is not quoted',
    (text) => {
      const error = refusal(Buffer.from(text));
      expect(error.status).toBe(400);
      expect(error.message).not.toContain('secret');
    },
  );

  test('is UTF-8', () => {
    expect(refusal(Buffer.from([0x22, 0xff, 0x22])).status).toBe(400);
  });

  test('that is too long is 413', () => {
    expect(refusal(null).status).toBe(413);
  });
});
