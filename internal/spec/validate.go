package spec

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
)

// What definitions may hold at most. The bounds are far above what people need:
// they keep a wrong or hostile file from costing minutes while the store is
// locked for it.
const (
	maxSalt       = 64 // bytes
	maxEndpoints  = 256
	maxKeys       = 16
	maxConditions = 32
	maxSteps      = 100
)

// Validate finds everything that is wrong with a whole set of definitions, of
// which every route is taken for a new one. Apply does the same where routes
// have come further. Nil means that all is well.
func Validate(defs Definitions, src Source) Problems {
	return src.problems(validate(defs, nil))
}

// validate takes the states because they say what a route needs: a retired one
// needs no legacy side any more.
func validate(defs Definitions, states map[string]rollout.State) []finding {
	found := findings{list: checkNames(defs)}
	legacy := defs.LegacyBackends()
	for i, b := range defs.Backends {
		found.object(KindBackend, b.Name, i)
		b.check(legacy[b.Name], &found)
	}
	for i, g := range defs.Groups {
		found.object(KindGroup, g.Name, i)
		checkKeys(g.Keys, &found)
		checkSalt(g.Salt, &found)
	}
	checkWebhooks(defs.Webhooks, &found)
	backends := newReferences(KindBackend, defs.objects()[0].names)
	groups := newReferences(KindGroup, defs.objects()[1].names)
	webhooks := newReferences(KindWebhook, defs.objects()[2].names)
	serving := defs.serving()
	for i, r := range defs.Routes {
		found.object(KindRoute, r.Name, i)
		backends.check("legacy", r.Legacy, &found)
		backends.check("new", r.New, &found)
		if sandbox := r.Sandbox(); sandbox != "" {
			backends.check("shadow.sandbox", sandbox, &found)
			checkSandbox(sandbox, serving[sandbox], &found)
		}
		groups.check("group", r.Group, &found)
		r.checkNotify(webhooks, &found)
		r.check(&found)
	}
	if found.excess {
		return found.list
	}
	return append(found.list, uncompiled(defs, states)...)
}

func (r Route) check(found *findings) {
	if r.Group != "" && len(r.Keys) > 0 {
		found.add("keys", CodeGroup, "it has keys and is in group %q: the group's keys count, so write them there", r.Group)
	}
	if r.Group != "" && r.Salt != "" {
		found.add("salt", CodeGroup, "it has a salt and is in group %q: the group's salt counts, so leave this one out", r.Group)
	}
	checkKeys(r.Keys, found)
	checkSalt(r.Salt, found)
	checkPins(r.Pin, found)
	if r.TrailingSlash != "" && r.TrailingSlash != slashStrict && r.TrailingSlash != slashEither {
		found.add("trailing_slash", CodeSlash, "trailing_slash is %q: write strict or either", r.TrailingSlash)
	}
	if fault := dataFault(r.Data); fault != "" {
		found.add("data", CodeData, "%s", fault)
	}
	checkConditions("match.headers", r.Match.Headers, found)
	checkConditions("match.query", r.Match.Query, found)
	r.checkRewrite(routing.Legacy, found)
	r.checkRewrite(routing.New, found)
	r.checkGuard(routing.Legacy, found)
	r.checkGuard(routing.New, found)
	r.checkShadow(found)
	r.checkGates(found)
	r.Plan.check(found)
}

func checkConditions(field string, conditions []Condition, found *findings) {
	if found.tooMany(field, CodeCondition, len(conditions), maxConditions) {
		return
	}
	for i, c := range conditions {
		if c.Equals != nil && c.Matches != nil {
			found.add(fmt.Sprintf("%s[%d]", field, i), CodeCondition,
				"the condition on %q has equals and matches: write two conditions", c.Name)
		}
		for _, value := range []*string{c.Equals, c.Matches} {
			if value != nil && strings.ContainsRune(*value, 0) {
				found.add(fmt.Sprintf("%s[%d]", field, i), CodeCondition, "the condition on %q contains a NUL byte", c.Name)
			}
		}
	}
}

// checkKeys finds the faults of a chain of keys: keys that routing refuses, and
// keys that could never be reached.
func checkKeys(keys []Key, found *findings) {
	if found.tooMany("keys", CodeKey, len(keys), maxKeys) {
		return
	}
	for i, key := range keys {
		field := fmt.Sprintf("keys[%d]", i)
		if fault := keyFault(key); fault != "" {
			found.add(field, CodeKey, "%s", fault)
		}
		if key.Kind == routing.KeyMint && i < len(keys)-1 {
			found.add(field, CodeKey, "mint hands a key to everyone, so no key after it is ever read: put it last")
		}
		if key.Kind == routing.KeyClaim && strings.ContainsFunc(key.Name, unprintable) {
			found.add(field, CodeKey, "the claim %q contains a control character", key.Name)
		}
		if slices.ContainsFunc(keys[:i], func(earlier Key) bool { return alike(earlier, key) }) {
			found.add(field, CodeDuplicate, "the key %s occurs twice: the second is never reached", key)
		}
	}
}

// keyFault says what routing finds wrong with a single key; empty: nothing.
func keyFault(key Key) string {
	probe := routing.Definition{
		Name: "probe", Match: routing.Match{Prefix: "/"}, Legacy: "any", Group: routing.Group{Keys: []routing.Key{key.Key}},
	}
	if invalid := routing.Compile(0, []routing.Definition{probe}).Invalid(); len(invalid) > 0 {
		return invalid[0].Message
	}
	return ""
}

// alike reports whether two keys read the same; header names know no case.
func alike(a, b Key) bool {
	return a == b || a.Kind == routing.KeyHeader && b.Kind == a.Kind && strings.EqualFold(a.Name, b.Name)
}

func checkSalt(salt string, found *findings) {
	if len(salt) > maxSalt {
		found.add("salt", CodeSalt, "the salt has %d bytes: at most %d are allowed", len(salt), maxSalt)
	}
	if strings.ContainsFunc(salt, unprintable) {
		found.add("salt", CodeSalt, "the salt %q contains a control character or what is no UTF-8", salt)
	}
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }

// uncompiled finds the routes that the router could not serve, ties among
// them. Names and keys are left out: they have been checked by themselves, also
// where no route uses them.
func uncompiled(defs Definitions, states map[string]rollout.State) []finding {
	var found findings
	for _, invalid := range routing.Compile(0, Routing(defs, states)).Invalid() {
		if invalid.Code == routing.InvalidName || invalid.Code == routing.InvalidKey {
			continue
		}
		found.object(KindRoute, invalid.Name, invalid.Index)
		message := strings.Replace(invalid.Message, fmt.Sprintf("route %q is", invalid.Name), "it is", 1)
		found.add(invalid.Field, string(invalid.Code), "%s", message)
	}
	return found.list
}
