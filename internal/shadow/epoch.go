package shadow

import (
	"strings"
	"time"
)

// maxBuilds is how many builds of one route's new side are told apart at a time.
// Beyond it the side names something else than its build, a request say, and
// every comparison would be an epoch of its own.
const maxBuilds = 10

// maxBuild bounds the name of a build, in bytes.
const maxBuild = 128

// EpochID returns the id of a route's epoch with this build of the new side and
// this digest of its rules.
func EpochID(route, build, rules string) string { return digest(route, build, rules) }

// builds follows which builds of one route's new side there are.
type builds struct {
	known  roster
	newest string // that was heard of last
}

// resolve returns the build to count a comparison with. An answer that names
// none, such as that of a failing proxy, and an answer that never came, belong
// to the build that was heard of last. Where there are too many it is empty, as
// for a side that says nothing.
func (b *builds) resolve(named string, at time.Time) string {
	if named == "" {
		return b.newest
	}
	named = cut(strings.ToValidUTF8(named, "�"), maxBuild)
	if !b.known.admit(named, at) {
		return ""
	}
	b.newest = named
	return named
}
