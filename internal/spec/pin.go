package spec

import (
	"fmt"
	"strings"

	"github.com/stranglerfig/strangler/internal/routing"
)

// Pin keeps a named key, such as a tenant or a member of the staff, on one side
// while its route is in canary. Key is the value of the cohort key that is read.
type Pin struct {
	Key  string `json:"key" yaml:"key"`
	Side string `json:"side" yaml:"side"` // legacy or new
}

// What pins may be at most.
const (
	maxPins   = 1000
	maxPinKey = 256 // bytes
)

// checkPins finds what routing cannot see: that keys occur, and only once, it
// finds itself.
func checkPins(pins []Pin, found *findings) {
	if found.tooMany("pin", CodePin, len(pins), maxPins) {
		return
	}
	for i, pin := range pins {
		if pin.Side != routing.Legacy.String() && pin.Side != routing.New.String() {
			found.add(fmt.Sprintf("pin[%d].side", i), CodePin, "the key %q is pinned to side %q: a side is legacy or new", pin.Key, pin.Side)
		}
		if len(pin.Key) > maxPinKey {
			found.add(fmt.Sprintf("pin[%d].key", i), CodePin, "the pinned key has %d bytes: at most %d are allowed", len(pin.Key), maxPinKey)
		}
		if strings.ContainsFunc(pin.Key, unprintable) {
			found.add(fmt.Sprintf("pin[%d].key", i), CodePin, "the pinned key %q contains a control character or what is no UTF-8", pin.Key)
		}
	}
}

func (r Route) pins() []routing.Pin {
	var out []routing.Pin
	for _, pin := range r.Pin {
		out = append(out, routing.Pin{Key: pin.Key, Side: routing.SideNamed(pin.Side)})
	}
	return out
}
