package routing

import (
	"errors"
	"fmt"
	"net/netip"
	"net/textproto"
	"slices"
	"strings"
)

// maxChains bounds the search for an equal key chain.
const maxChains = 16

// cohort finds the point of a request: the keys and the salt of a route's group.
type cohort struct {
	*chain
	salt salt
}

// chain is the keys a group tries in order.
type chain struct {
	keys []Key
	mint bool   // the last of them is mint
	salt string // followed by 0x00, when it is too long to lie in each route
}

// parseCohort compiles a group. On an error, key is the index of the key at fault.
func (c *compiler) parseCohort(g *Group) (parsed cohort, key int, err error) {
	keys, mint := slices.Clone(g.Keys), false
	if len(keys) == 0 {
		keys = []Key{{Kind: KeyMint}}
	}
	for i := range keys {
		k := &keys[i]
		if err := checkKey(k, i == len(keys)-1); err != nil {
			return cohort{}, i, err
		}
		switch k.Kind {
		case KeyHeader:
			k.Name = textproto.CanonicalMIMEHeaderKey(k.Name)
		case KeyMint:
			k.Name, mint = CohortCookie, true
		}
	}
	short, long := newSalt(g.Salt)
	return cohort{chain: c.chain(chain{keys, mint, long}), salt: short}, 0, nil
}

// chain returns the one copy of equal chains.
func (c *compiler) chain(wanted chain) *chain {
	for _, known := range c.chains {
		if known.salt == wanted.salt && slices.Equal(known.keys, wanted.keys) {
			return known
		}
	}
	if len(c.chains) < maxChains {
		c.chains = append(c.chains, &wanted)
	}
	return &wanted
}

func checkKey(k *Key, last bool) error {
	switch k.Kind {
	case KeyHeader:
		if !isToken(k.Name) {
			return fmt.Errorf("header name %q is not valid: write a name like X-User-Id", k.Name)
		}
	case KeyCookie:
		if !isToken(k.Name) {
			return fmt.Errorf("cookie name %q is not valid: write a name like session", k.Name)
		}
	case KeyClaim:
		if k.Name == "" {
			return errors.New("the claim has no name: write one like sub")
		}
	case KeyClientAddress:
	case KeyMint:
		if !last {
			return errors.New("mint hands a key to everyone, so no key after it would ever be read: put it last")
		}
	default:
		return fmt.Errorf("unknown key kind %d: use header, cookie, claim, client_address or mint", k.Kind)
	}
	return nil
}

// decide fills in what a canary's key decides: the side the key is pinned to,
// else new for the points below the weight; legacy for all others and for every
// request without a key.
func (c *cohort) decide(req *Request, pins map[string]Side, a *Assignment) {
	for i := range c.keys {
		v, ok := c.ask(&c.keys[i], req, pins, a.Weight)
		if !ok {
			continue
		}
		a.Side, a.Reason, a.Point, a.Key, a.Keyed = v.side, v.reason, v.point, c.keys[i].Kind, true
		a.Identity = identified(v.hash)
		if weaker := c.keys[i+1:]; len(weaker) > 0 {
			a.KeyChanged = c.changed(weaker, v.side, req, pins, a.Weight)
		}
		return
	}
	a.Reason, a.Mint = ReasonNoKey, c.mint
}

// changed reports whether the strongest of the weaker keys that is present
// would put the request on another side. To read a claim costs too much for that.
func (c *cohort) changed(weaker []Key, side Side, req *Request, pins map[string]Side, weight Weight) bool {
	for i := range weaker {
		if weaker[i].Kind == KeyClaim {
			continue
		}
		if v, ok := c.ask(&weaker[i], req, pins, weight); ok {
			return v.side != side
		}
	}
	return false
}

// verdict is what one key says.
type verdict struct {
	hash   uint64 // of salt and key
	point  int16
	side   Side
	reason Reason
}

// ask reads one key; ok is false when it is not present. An empty value counts
// as absent.
func (c *cohort) ask(k *Key, req *Request, pins map[string]Side, weight Weight) (v verdict, ok bool) {
	var key string
	switch k.Kind {
	case KeyHeader:
		if req.Header != nil {
			key = req.Header.Get(k.Name)
		}
	case KeyCookie, KeyMint:
		key = cookie(req, k.Name)
	case KeyClaim:
		key = claim(req, k.Name)
	case KeyClientAddress:
		var text [64]byte
		key = string(appendNetwork(text[:0], req.Client))
	}
	if key == "" {
		return verdict{}, false
	}
	v.hash = c.salt.hash(c.chain.salt, key)
	v.point, v.reason = int16(pointOf(v.hash)), ReasonWeight
	if v.point < int16(weight) {
		v.side = New
	}
	if len(pins) > 0 {
		if side, pinned := pins[key]; pinned {
			v.side, v.reason = side, ReasonPinned
		}
	}
	return v, true
}

// cookie returns the first value of the cookie that is not empty.
func cookie(req *Request, name string) string {
	for _, line := range req.values("Cookie") {
		for rest := line; rest != ""; {
			var pair string
			pair, rest, _ = strings.Cut(rest, ";")
			found, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
			if found != name {
				continue
			}
			if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
				value = value[1 : len(value)-1]
			}
			if value != "" {
				return value
			}
		}
	}
	return ""
}

// appendNetwork appends the client's network in CIDR notation: /24 for IPv4,
// /56 for IPv6, what one household or office usually shares. Nothing for an
// unknown address.
func appendNetwork(text []byte, client netip.Addr) []byte {
	client = client.Unmap().WithZone("")
	bits := 56
	if client.Is4() {
		bits = 24
	}
	network, err := client.Prefix(bits)
	if err != nil || !network.IsValid() {
		return nil
	}
	return network.AppendTo(text)
}
