// Package redact hides the values that must not be kept: those under sensitive
// names, and those that look like secrets whatever their name. A hash by a key
// takes the place of each, so that equal values can still be seen to be equal.
//
// It errs on the side of hiding. Whoever knows better reveals a place.
package redact
