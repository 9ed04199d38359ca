/** Types of resource records, RFC 1035 section 3.2.2 and RFC 3596. */
const TYPES = { A: 1, CNAME: 5, MX: 15, TXT: 16, AAAA: 28 } as const;
export type RecordType = keyof typeof TYPES;

/** A question to a name server, RFC 1035 section 4.1. Recursion is desired. */
export function dnsQuestion(name: string, type: RecordType): Buffer {
  const labels = name.split('.').filter((label) => label !== '');
  return Buffer.concat([
    Buffer.from([0x56, 0x6f, 0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]),
    ...labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'ascii')])),
    Buffer.from([0, 0, TYPES[type], 0, 1]),
  ]);
}

export interface DnsAnswer {
  /** Response code, 0 for no error: RFC 1035 section 4.1.1. */
  readonly code: number;
  /** Records of the wanted type, as people write them. */
  readonly records: string[];
}

/** Reads a name server's answer. @returns null for what is no whole answer */
export function readDnsAnswer(message: Buffer, type: RecordType): DnsAnswer | null {
  try {
    const count = message.readUInt16BE(6);
    const questions = message.readUInt16BE(4);
    let at = 12;
    for (let i = 0; i < questions; i++) at = readName(message, at).end + 4;
    const records: string[] = [];
    for (let i = 0; i < count; i++) {
      at = readName(message, at).end;
      const length = message.readUInt16BE(at + 8);
      if (at + 10 + length > message.length) return null;
      if (message.readUInt16BE(at) === TYPES[type]) records.push(recordText(message, at + 10, length, type));
      at += 10 + length;
    }
    return { code: message.readUInt16BE(2) & 0xf, records };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

function recordText(message: Buffer, at: number, length: number, type: RecordType): string {
  const data = message.subarray(at, at + length);
  switch (type) {
    case 'A':
      return [...data].join('.');
    case 'AAAA':
      return Array.from({ length: 8 }, (_, i) => data.readUInt16BE(2 * i).toString(16)).join(':');
    case 'TXT':
      return data.subarray(1, 1 + data.readUInt8(0)).toString();
    case 'CNAME':
      return readName(message, at).name;
    case 'MX':
      return `${data.readUInt16BE(0)} ${readName(message, at + 2).name}`;
  }
}

/** Names may end in a pointer to an earlier one, section 4.1.4; a pointer may only lead back, so that this ends. */
function readName(message: Buffer, start: number, before = start + 1): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  for (;;) {
    const length = message.readUInt8(at);
    if (length >= 0xc0) {
      const target = message.readUInt16BE(at) & 0x3fff;
      if (target >= before) throw new RangeError('A name points forward.');
      return { name: [...labels, readName(message, target, target).name].join('.'), end: at + 2 };
    }
    if (length === 0) return { name: labels.join('.'), end: at + 1 };
    labels.push(message.toString('ascii', at + 1, at + 1 + length));
    at += 1 + length;
  }
}
