package routing

import (
	"errors"
	"fmt"
	"net/textproto"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// condition is a compiled Condition.
type condition struct {
	name  string // of a header in canonical form
	op    ConditionOp
	value string
	re    *regexp.Regexp // of Matches, anchored
}

func (c *condition) accepts(value string) bool {
	switch c.op {
	case Equals:
		return value == c.value
	case Matches:
		return c.re.MatchString(value)
	default:
		return true
	}
}

func (c *condition) holdsHeader(req *Request) bool {
	return slices.ContainsFunc(req.values(c.name), c.accepts)
}

// holdsQuery reads the raw query as browsers and most backends do: pairs are
// separated by & alone, + is a space, and a pair that cannot be decoded is not
// there. It allocates only to decode.
func (c *condition) holdsQuery(rawQuery string) bool {
	for rest := rawQuery; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if pair == "" {
			continue
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(rawName)
		if err != nil || name != c.name {
			continue
		}
		if value, err := url.QueryUnescape(rawValue); err == nil && c.accepts(value) {
			return true
		}
	}
	return false
}

// parseHeaderCondition compiles a condition on a header.
func parseHeaderCondition(written Condition) (condition, error) {
	if !isToken(written.Name) {
		return condition{}, fmt.Errorf("header name %q is not valid: write a name like X-Beta", written.Name)
	}
	c, err := parseCondition(written)
	c.name = textproto.CanonicalMIMEHeaderKey(written.Name)
	if c.name == "Host" {
		return condition{}, errors.New("the Host header is not matched by a condition: use match.host")
	}
	return c, err
}

// parseCondition compiles what conditions on headers and on the query have in common.
func parseCondition(written Condition) (condition, error) {
	c := condition{name: written.Name, op: written.Op, value: written.Value}
	switch {
	case written.Name == "":
		return condition{}, errors.New("the condition has no name: say which parameter it looks at")
	case written.Op > Matches:
		return condition{}, fmt.Errorf("condition on %q: unknown operator %d: use present, equals or matches", written.Name, written.Op)
	case written.Op != Matches:
		return c, nil
	}
	// Compiled alone first, so that "a)|(b" cannot slip out of the anchors.
	if _, err := regexp.Compile(written.Value); err != nil {
		return condition{}, fmt.Errorf("condition on %q: %q is no regular expression: %w", written.Name, written.Value, err)
	}
	re, err := regexp.Compile("^(?:" + written.Value + ")$")
	if err != nil {
		return condition{}, fmt.Errorf("condition on %q: %q cannot be anchored: %w", written.Name, written.Value, err)
	}
	c.re = re
	return c, nil
}

// isToken reports whether text is a token of RFC 9110: a method, a header or cookie name.
func isToken(text string) bool {
	for _, c := range []byte(text) {
		letterOrDigit := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letterOrDigit && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return text != ""
}
