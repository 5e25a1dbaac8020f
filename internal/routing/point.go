package routing

import "github.com/cespare/xxhash/v2"

// Points is the number of points a cohort can have, whatever the weight: a
// fixed denominator is what keeps users in place when a weight moves.
const Points = 10000

// Point returns the cohort point of a key under a salt, 0…9999:
//
//	hash  = xxhash64(salt ‖ 0x00 ‖ key), seed 0
//	point = ((hash >> 32) × 10000) >> 32
//
// The request goes to new exactly when point < weight. Any xxhash64
// reproduces it: printf 'salt\0key' | xxhsum -H64 prints the hash. Published
// vectors are in testdata/cohort-points.json.
func Point(salt, key string) int {
	var d xxhash.Digest
	d.Reset()
	_, _ = d.WriteString(salt)
	_, _ = d.Write([]byte{0})
	_, _ = d.WriteString(key)
	return pointOf(d.Sum64())
}

// pointOf scales the high half of a hash, which is exact where a modulo of the
// whole would favour small points.
func pointOf(hash uint64) int { return int((hash >> 32) * Points >> 32) }
