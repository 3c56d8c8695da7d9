// A short digest of texts, to notice differences. It is not cryptographic: two chosen texts can have equal digests.

/** 64 bits in hexadecimal: two multiplicative hashes in the manner of FNV-1a, with different starts and factors. The order of the texts matters. */
export function textDigest(texts: readonly string[]): string {
  let [low, high] = [0x811c9dc5, 0x01000193];
  for (const text of texts) {
    // One character more than the text has, so that the borders between texts count.
    for (let place = 0; place <= text.length; place += 1) {
      const code = place < text.length ? text.charCodeAt(place) : 0x10000;
      low = Math.imul(low ^ code, 0x01000193);
      high = Math.imul(high ^ code, 0x5bd1e995);
    }
  }
  return [low, high].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}
