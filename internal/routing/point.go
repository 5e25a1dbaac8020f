package routing

// Points is the number of points a cohort can have, whatever the weight: a
// fixed denominator is what keeps users in place when a weight moves.
const Points = 10000

// Point returns the cohort point of a key under a salt, 0…9999:
//
//	hash  = xxhash64(salt ‖ 0x00 ‖ key), seed 0
//	point = ((hash >> 32) × 10000) >> 32
//
// The request goes to new exactly when point < weight. Any xxhash64 reproduces
// it: printf 'salt\0key' | xxhsum -H64 prints the hash. Published vectors are
// in testdata/cohort-points.json.
func Point(salt, key string) int {
	short, long := newSalt(salt)
	return pointOf(short.hash(long, key))
}

// pointOf scales the high half of a hash; a modulo would need a division and
// favour small points.
func pointOf(hash uint64) int { return int((hash >> 32) * Points >> 32) }
