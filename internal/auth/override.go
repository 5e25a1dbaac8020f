package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/stranglerfig/strangler/internal/spoken"
)

// Where a request carries an override, and for how long one may be in force.
const (
	OverrideCookie = "strangler_override"
	OverrideHeader = "Strangler-Override"
	OverrideLimit  = 24 * time.Hour
)

// OverridesPerRequest is how many overrides of one request are looked at: a
// tester has one for each route that is tested, and to verify one costs a microsecond.
const OverridesPerRequest = 8

// Override puts whoever bears its signed value on one side of one route. It is
// kept nowhere: the signature is what makes it good, also while the store is away.
type Override struct {
	ID      string // short and public; by which it is revoked
	Route   string // the route's name; for all others the override says nothing
	Side    string // "legacy" or "new"
	Expires time.Time
}

// Why the value of an override is not believed.
var (
	ErrOverrideMalformed = errors.New("not the value of an override")
	ErrOverrideKey       = errors.New("no key here has the id by which the override is signed")
	ErrOverrideSignature = errors.New("the override's signature is wrong")
	ErrOverrideExpired   = errors.New("the override has expired")
)

// ErrOverride is wrapped when an override is asked for that cannot be.
var ErrOverride = errors.New("no override was signed")

// A value is read by people as well: version, key, id, side, the second of the
// Unix epoch at which it expires, route, and the HMAC-SHA256 of all before it.
//
//	v1.k1.h5q2m4zt.new.1767225600.orders-get.<43 characters of base64url>
//
// Only the route may hold dots. Every character may stand in a cookie as it is.
const (
	overrideVersion = "v1"
	overrideParts   = 6   // before the signature
	maxOverride     = 256 // bytes of a value: a route's name has at most 100
)

// maxRoute is how long the name of a route may be, in bytes.
const maxRoute = 100

// Sign makes an override that is in force for ttl from now on, in whole
// seconds, and the value for its bearer's cookie or header. Errors match
// ErrOverride, or say why there is no key to sign with.
func (k *OverrideKeys) Sign(route, side string, ttl time.Duration, now time.Time) (Override, string, error) {
	o := Override{ID: strings.ToLower(rand.Text()[:idLength]), Route: route, Side: side}
	if err := checkOverride(o, ttl); err != nil {
		return Override{}, "", err
	}
	o.Expires = now.Add(ttl).UTC().Truncate(time.Second)
	key, err := k.signing()
	if err != nil {
		return Override{}, "", err
	}
	text := strings.Join([]string{
		overrideVersion, key.id, o.ID, o.Side, strconv.FormatInt(o.Expires.Unix(), 10), o.Route,
	}, ".")
	return o, text + "." + base64.RawURLEncoding.EncodeToString(key.sum(text)), nil
}

// Verify returns the override that value stands for. Errors match one of
// ErrOverrideMalformed, ErrOverrideKey, ErrOverrideSignature and
// ErrOverrideExpired. Whether it was revoked is for the caller to know.
func (k *OverrideKeys) Verify(value string, now time.Time) (Override, error) {
	cut := strings.LastIndexByte(value, '.')
	if cut < 0 || len(value) > maxOverride {
		return Override{}, ErrOverrideMalformed
	}
	parts := strings.SplitN(value[:cut], ".", overrideParts)
	sum, err := base64.RawURLEncoding.Strict().DecodeString(value[cut+1:])
	if err != nil || len(sum) != sha256.Size || len(parts) != overrideParts || parts[0] != overrideVersion {
		return Override{}, ErrOverrideMalformed
	}
	key, known := k.byID(parts[1])
	if !known {
		return Override{}, ErrOverrideKey
	}
	if !hmac.Equal(sum, key.sum(value[:cut])) {
		return Override{}, ErrOverrideSignature
	}
	seconds, err := strconv.ParseInt(parts[4], 10, 64)
	if err != nil {
		return Override{}, fmt.Errorf("%w: it expires at %q", ErrOverrideMalformed, parts[4])
	}
	o := Override{ID: parts[2], Side: parts[3], Expires: time.Unix(seconds, 0).UTC(), Route: parts[5]}
	if !now.Before(o.Expires) {
		return o, fmt.Errorf("%w: at %s", ErrOverrideExpired, o.Expires.Format(time.RFC3339))
	}
	return o, nil
}

func checkOverride(o Override, ttl time.Duration) error {
	switch {
	case !isName(o.Route) || len(o.Route) > maxRoute:
		return fmt.Errorf("%w: %q is not the name of a route", ErrOverride, o.Route)
	case o.Side != "legacy" && o.Side != "new":
		return fmt.Errorf("%w: side %q: a side is legacy or new", ErrOverride, o.Side)
	case ttl < time.Second || ttl > OverrideLimit:
		return fmt.Errorf("%w: %s is not how long one may be in force: give between 1s and %s", ErrOverride, spoken.Duration(ttl), spoken.Duration(OverrideLimit))
	}
	return nil
}

// isName reports whether text has only what names of routes and keys have,
// which can stand in a cookie's value.
func isName(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		return !letter && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.'
	})
}
