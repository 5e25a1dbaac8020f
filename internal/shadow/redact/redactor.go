package redact

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/shadow/rule"
)

// Keys makes the hashes that stand for hidden values: an HMAC-SHA-256 of text, by
// a key that is not kept where the values would be. *auth.RedactionKeys is the one.
type Keys interface {
	Sum(text string) []byte
}

// ErrSensitive says that something cannot be the name of a sensitive value.
var ErrSensitive = errors.New("not a sensitive name")

// ErrReveal says that a place cannot be revealed.
var ErrReveal = errors.New("not a place to reveal")

// maxName is how long the name of a sensitive value may be, in bytes.
const maxName = 128

// prefix begins what stands in the place of a hidden value.
const prefix = "hidden:"

// shownDigits is how many hexadecimal digits of a hash are shown. 64 bits tell a
// few thousand values apart; to try values out the key is missing anyway.
const shownDigits = 16

// Redactor hides values. It is safe for concurrent use.
type Redactor struct {
	keys    Keys
	names   names
	queries names // those of queries and forms
	reveal  *rule.Set
}

// New returns a Redactor. Names in sensitive count besides the usual ones, as
// whole words too. Places in reveal are kept as they are although their names are
// sensitive, or they look like secrets: "$.token_type", "header X-Session-Hint".
// What lies below a revealed place is judged by its own name. Errors match
// ErrSensitive or ErrReveal.
func New(keys Keys, sensitive, reveal []string) (*Redactor, error) {
	for _, name := range sensitive {
		if err := CheckSensitive(name); err != nil {
			return nil, err
		}
	}
	set, err := revealing(reveal)
	if err != nil {
		return nil, err
	}
	return &Redactor{
		keys: keys, reveal: set,
		names:   newNames(usualNames[:], sensitive),
		queries: newNames(usualNames[:], queryNames[:], sensitive),
	}, nil
}

// CheckSensitive says why something cannot be the name of a sensitive value. The
// error matches ErrSensitive.
func CheckSensitive(name string) error {
	if len(name) > maxName || len(split(nil, name)) == 0 {
		return fmt.Errorf("%w: %q: write a word, or several like account_number, of at most %d bytes", ErrSensitive, name, maxName)
	}
	return nil
}

// CheckReveal says why a place cannot be revealed. The error matches ErrReveal.
func CheckReveal(place string) error {
	target, err := rule.ParseTarget(place)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrReveal, err)
	}
	name, isHeader := strings.CutPrefix(target.String(), "header ")
	switch {
	case target.IsAll() || !isHeader && !target.IsPath():
		return fmt.Errorf("%w: %q is no single value: name one, like \"$.token_type\" or \"header X-Session-Hint\"", ErrReveal, place)
	case neverRevealed(name):
		return fmt.Errorf("%w: %q: credentials and cookies are never kept; leave it out", ErrReveal, place)
	}
	return nil
}

// revealing makes a tree of places, for which rules have the best one.
func revealing(places []string) (*rule.Set, error) {
	rules := make([]rule.Rule, len(places))
	for i, place := range places {
		if err := CheckReveal(place); err != nil {
			return nil, err
		}
		rules[i] = rule.Rule{Kind: rule.Ignore, Target: place, Reason: "revealed"}
	}
	if len(rules) > rule.MaxRules {
		return nil, fmt.Errorf("%w: these are %d places, and at most %d are allowed", ErrReveal, len(rules), rule.MaxRules)
	}
	set, _ := rule.Compile(rules) // which leaves a place out that is there twice
	return set, nil
}

// neverRevealed are the fields that sign somebody in and nothing else.
func neverRevealed(canonical string) bool {
	return slices.Contains([]string{"Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"}, canonical)
}

// revealed is where nothing is hidden.
func (r *Redactor) revealed() rule.Cursors { return r.reveal.At(time.Time{}) }

// hide returns what stands for a value. The type counts, as "1" is not 1.
func (r *Redactor) hide(kind, value string) string {
	return prefix + hex.EncodeToString(r.keys.Sum(kind + "\x00" + value))[:shownDigits]
}

// Header returns the values of a header field as they may be kept.
func (r *Redactor) Header(name string, values []string) []string {
	hidden := make([]string, len(values))
	for i, value := range values {
		hidden[i] = r.header(name, value)
	}
	return hidden
}

func (r *Redactor) header(name, value string) string {
	name = textproto.CanonicalMIMEHeaderKey(name)
	switch {
	case len(r.revealed().Header(name).Here()) > 0:
		return value
	case name == "Cookie":
		return r.cookies(value, -1)
	case name == "Set-Cookie":
		return r.cookies(value, 1)
	case r.names.sensitive(name):
		return r.hide("string", value)
	case strings.HasSuffix(name, "Authentication-Info"): // a proof of who asks, by RFC 7615
		return r.hide("string", value)
	case name == "Www-Authenticate" || name == "Proxy-Authenticate": // Bearer realm="shop" asks for a token and has none; what answers Kerberos is one
		return r.masked(value, tokens(nil, value))
	case slices.Contains([]string{"Location", "Content-Location", "Referer"}, name):
		return r.Target(value)
	default:
		return r.scrub(value)
	}
}

// cookies hides the values of so many name=value pairs, negative: of all; those
// behind them are attributes. What has no name is hidden as a whole.
func (r *Redactor) cookies(text string, pairs int) string {
	parts := strings.Split(text, ";")
	for i, part := range parts {
		if i == pairs {
			break
		}
		name, value, named := strings.Cut(part, "=")
		if named {
			parts[i] = r.scrub(name) + "=" + r.hide("string", value)
		} else if strings.TrimSpace(part) != "" {
			parts[i] = r.hide("string", part)
		}
	}
	return strings.Join(parts, ";")
}
