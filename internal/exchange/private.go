package exchange

import (
	"strings"

	"github.com/stranglerfig/strangler/internal/routing"
)

// KeepPrivate keeps an answer that an override decided out of shared caches,
// which would hand it to everybody: no cache before us knows that the override
// is part of the question. All other answers stay as their backend made them.
func (x *Exchange) KeepPrivate(out Fields) {
	if x.Assignment.Reason != routing.ReasonOverride {
		return
	}
	directives := append([]string{"private"}, out["Cache-Control"]...)
	out["Cache-Control"] = []string{strings.Join(directives, ", ")}
	// Where a CDN finds its own field, it does not read Cache-Control (RFC 9213 §2.2).
	delete(out, "Cdn-Cache-Control")
	delete(out, "Surrogate-Control")
}
