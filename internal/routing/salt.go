package routing

import "github.com/cespare/xxhash/v2"

// maxOneShot is how long salt ‖ 0x00 ‖ key may be to be hashed in one go.
const maxOneShot = 128

// salt is salt ‖ 0x00 when it is short, as the router's own, which have 32
// characters: it lies inside its route, because following a pointer to it would
// be one more wait for memory.
type salt struct {
	size uint8 // 0: the salt is long
	text [39]byte
}

// newSalt returns what is hashed before a key, as short or as long.
func newSalt(text string) (short salt, long string) {
	text += "\x00"
	if len(text) > len(short.text) {
		return salt{}, text
	}
	short.size = uint8(copy(short.text[:], text))
	return short, ""
}

// hash returns xxhash64(salt ‖ 0x00 ‖ key).
func (s *salt) hash(long, key string) uint64 {
	if s.size == 0 || int(s.size)+len(key) > maxOneShot {
		var hash xxhash.Digest
		hash.Reset()
		_, _ = hash.Write(s.text[:s.size])
		_, _ = hash.WriteString(long)
		_, _ = hash.WriteString(key)
		return hash.Sum64()
	}
	var room [maxOneShot]byte
	text := append(room[:0], s.text[:s.size]...)
	return xxhash.Sum64(append(text, key...))
}
