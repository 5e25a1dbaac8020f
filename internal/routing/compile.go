package routing

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// compiler turns definitions into routes and collects what is wrong with them.
type compiler struct {
	defs     []Definition
	invalid  []Invalid
	patterns map[string]*pattern // by source: equal patterns share one
	literals map[string]string
	chains   []*chain // the key chains seen so far: most routes share one of a few
}

// compile returns everything of a table that does not change when routes are
// only reassigned. It keeps defs.
func compile(defs []Definition, assigned []Assigned) *compiled {
	c := &compiler{defs: defs, patterns: map[string]*pattern{}, literals: map[string]string{}}
	out := &compiled{defs: defs, sides: make([]sides, len(defs))}
	uses := make(map[string]int, len(defs))
	for i := range defs {
		uses[defs[i].Name]++
	}
	var valid []*Route
	for i := range defs {
		before := len(c.invalid)
		c.checkName(i, uses[defs[i].Name])
		r := &Route{
			Index: i, Name: defs[i].Name, Definition: &defs[i], cohort: c.cohort(i), rule: c.rule(i), catchAll: isCatchAll(&defs[i]), pinned: len(defs[i].Pins) > 0,
		}
		out.sides[i] = sidesOf(&defs[i])
		if code, field, message := out.sides[i].check(assigned[i]); code != "" {
			c.refuse(i, code, field, message)
		}
		if len(c.invalid) == before {
			valid = append(valid, r)
		}
	}
	for _, r := range c.rank(valid) {
		out.routes = append(out.routes, *r)
	}
	out.matcher = newMatcher(out.routes)
	out.byName = make(map[string]*Route, len(out.routes))
	for i := range out.routes {
		out.byName[out.routes[i].Name] = &out.routes[i]
	}
	slices.SortStableFunc(c.invalid, func(a, b Invalid) int { return cmp.Compare(a.Index, b.Index) })
	out.invalid = c.invalid
	return out
}

func (c *compiler) refuse(index int, code InvalidCode, field, message string) {
	c.invalid = append(c.invalid, Invalid{Index: index, Name: c.defs[index].Name, Code: code, Field: field, Message: message})
}

// checkName refuses all definitions of one name: which of them is meant is
// nothing the order of writing should decide.
func (c *compiler) checkName(index, uses int) {
	switch name := c.defs[index].Name; {
	case name == "":
		c.refuse(index, InvalidName, "name", "the route has no name: give it one")
	case uses > 1:
		c.refuse(index, InvalidName, "name", fmt.Sprintf("%d routes are named %q: give each its own name", uses, name))
	}
}

// rule compiles one definition's match and pins as far as it can, and refuses each fault.
func (c *compiler) rule(index int) *rule {
	m := &c.defs[index].Match
	r := &rule{}
	var err error
	if r.host, err = parseHost(m.Host); err != nil {
		c.refuse(index, InvalidHost, "match.host", err.Error())
	}
	if r.path, err = c.parsePath(m); err != nil {
		c.refusePath(index, err)
	}
	for i, method := range m.Methods {
		if err := checkMethod(method); err != nil {
			c.refuse(index, InvalidMethod, fmt.Sprintf("match.methods[%d]", i), err.Error())
		}
	}
	r.pins = c.pins(index)
	r.headers = c.conditions(index, "headers", m.Headers, parseHeaderCondition)
	r.query = c.conditions(index, "query", m.Query, parseCondition)
	return r
}

func (c *compiler) cohort(index int) cohort {
	parsed, key, err := c.parseCohort(&c.defs[index].Group)
	if err != nil {
		c.refuse(index, InvalidKey, fmt.Sprintf("keys[%d]", key), err.Error())
	}
	return parsed
}

func (c *compiler) refusePath(index int, err error) {
	code, field := InvalidPath, "match.path"
	if pattern := (*patternError)(nil); errors.As(err, &pattern) {
		code = InvalidPattern
	}
	if m := &c.defs[index].Match; m.Prefix != "" && m.Path == "" {
		field = "match.prefix"
	}
	c.refuse(index, code, field, err.Error())
}

func (c *compiler) conditions(index int, field string, written []Condition, parse func(Condition) (condition, error)) []condition {
	var compiled []condition
	for i, w := range written {
		cond, err := parse(w)
		if err != nil {
			c.refuse(index, InvalidCondition, fmt.Sprintf("match.%s[%d]", field, i), err.Error())
			continue
		}
		compiled = append(compiled, cond)
	}
	return compiled
}
