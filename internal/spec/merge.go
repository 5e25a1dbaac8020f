package spec

import (
	"crypto/rand"
	"encoding/hex"
)

// Apply is what a store is asked to keep when people apply a file: the file's
// definitions over the current ones, by name, in their normal form, checked as
// a whole and against where the routes stand. prune drops what the file does
// not name; src says where the file's definitions were written.
//
// Salts stay: what the file writes without a salt keeps the one it has, new
// groups and new routes of their own get one of 128 random bits, and a salt
// that contradicts the stored one is refused, because it would move users from
// side to side.
//
// An error is always Problems, and then nothing may be changed.
func Apply(current Current, file Definitions, src Source, prune bool) (Definitions, error) {
	if found := checkNames(file); len(found) > 0 {
		return Definitions{}, src.problems(found) // merging goes by name
	}
	if prune && file.empty() && !current.Definitions.empty() {
		// More often a file that was cut off than a wish.
		return Definitions{}, Problems{{
			File: src.file, Line: 1, Column: 1, Code: CodeEmpty,
			Message: "the definitions are empty, and pruning would remove every backend, group, webhook and route: is this the right file?",
		}}
	}
	merged, found := merge(current.Definitions, file, prune)
	found = append(found, validate(merged, current.States)...)
	found = append(found, exposed(current, merged)...)
	found = append(found, strange(file)...)
	if err := src.problems(found).orNil(); err != nil {
		return Definitions{}, err
	}
	return merged.Normalize(), nil
}

func (d Definitions) empty() bool {
	return len(d.Backends)+len(d.Groups)+len(d.Webhooks)+len(d.Routes) == 0
}

// merge puts the definitions of a file over the current ones, by name. What
// comes without a salt keeps the one it has.
func merge(current, file Definitions, prune bool) (Definitions, []finding) {
	var found findings
	merged := Definitions{
		Backends: overlay(current.Backends, file.Backends, prune, func(b Backend) string { return b.Name }),
		Groups:   overlay(current.Groups, file.Groups, prune, func(g Group) string { return g.Name }),
		Webhooks: overlay(current.Webhooks, file.Webhooks, prune, func(w Webhook) string { return w.Name }),
		Routes:   overlay(current.Routes, file.Routes, prune, func(r Route) string { return r.Name }),
	}
	groups := byName(current.Groups, func(g Group) string { return g.Name })
	for i := range merged.Groups {
		g := &merged.Groups[i]
		found.object(KindGroup, g.Name, i)
		g.Salt = keepSalt(g.Salt, groups[g.Name].Salt, true, &found)
	}
	routes := byName(current.Routes, func(r Route) string { return r.Name })
	for i := range merged.Routes {
		r := &merged.Routes[i]
		if r.Group != "" {
			continue // a salt of its own is refused by Validate
		}
		found.object(KindRoute, r.Name, i)
		r.Salt = keepSalt(r.Salt, routes[r.Name].Salt, r.New != "", &found)
	}
	return merged, found.list
}

// overlay returns the current items with the file's in place of those of the
// same name, sorted by name.
func overlay[T any](current, file []T, prune bool, name func(T) string) []T {
	if prune {
		return sortedBy(file, name)
	}
	written := byName(file, name)
	var kept []T
	for _, item := range current {
		if _, replaced := written[name(item)]; !replaced {
			kept = append(kept, item)
		}
	}
	return sortedBy(append(kept, file...), name)
}

// keepSalt settles one salt: the stored one when there is one, else the
// written one, else, where one is needed, a new one.
func keepSalt(written, stored string, needed bool, found *findings) string {
	switch {
	case written != "" && stored != "" && written != stored:
		found.add("salt", CodeSalt, "the salt %q is not the stored one, and a salt changes only by reshuffle: leave it out to keep %q", written, stored)
		return stored
	case stored != "":
		return stored
	case written == "" && needed:
		return newSalt()
	default:
		return written
	}
}

// newSalt is 128 random bits in hex.
func newSalt() string {
	var bits [16]byte
	_, _ = rand.Read(bits[:]) // never fails, says crypto/rand
	return hex.EncodeToString(bits[:])
}
