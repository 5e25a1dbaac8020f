package guard

import (
	"errors"
	"fmt"
	"strings"
)

// ErrFallbackOn is wrapped by every error of ParseFallbackOn.
var ErrFallbackOn = errors.New("fallback refused")

// FallbackOn is the set of causes for which an exchange crosses from new to
// legacy. Zero means the default in what people write.
type FallbackOn uint16

// The causes. FallbackNever stands alone.
const (
	FallbackOpen    FallbackOn = 1 << iota // new's breaker let nothing through
	FallbackFull                           // new's bulkhead was full
	FallbackNotSent                        // no byte reached new
	FallbackTimeout                        // new sent no response head in time
	Fallback500                            // the statuses that new answered with
	Fallback501
	Fallback502
	Fallback503
	Fallback504
	Fallback404
	FallbackNever
)

// fallbackNames are the tokens that people write, in the order of printing.
var fallbackNames = [...]struct {
	token string
	on    FallbackOn
}{
	{"open", FallbackOpen},
	{"full", FallbackFull},
	{"not_sent", FallbackNotSent},
	{"timeout", FallbackTimeout},
	{"500", Fallback500},
	{"502", Fallback502},
	{"503", Fallback503},
	{"504", Fallback504},
	{"404", Fallback404},
	{"501", Fallback501},
	{"none", FallbackNever},
	{"5xx", Fallback500 | Fallback502 | Fallback503 | Fallback504},
}

// DefaultFallback is what new lanes fall back on unless told otherwise.
func DefaultFallback() FallbackOn {
	return FallbackOpen | FallbackFull | FallbackNotSent | FallbackTimeout | Fallback502 | Fallback503 | Fallback504
}

// ParseFallbackOn reads the tokens of a definition: causes, statuses, "5xx"
// for 500, 502, 503 and 504, or "none" alone. No token at all is the default,
// as zero.
func ParseFallbackOn(tokens []string) (FallbackOn, error) {
	var set FallbackOn
	for _, token := range tokens {
		on, known := fallbackToken(token)
		if !known {
			return 0, fmt.Errorf("%w: %q is no cause; known are %s", ErrFallbackOn, token, knownFallbacks())
		}
		set |= on
	}
	if set.Has(FallbackNever) && set != FallbackNever {
		return 0, fmt.Errorf("%w: none stands alone, and here it stands beside %s", ErrFallbackOn, set&^FallbackNever)
	}
	return set, nil
}

func fallbackToken(token string) (FallbackOn, bool) {
	for _, name := range fallbackNames {
		if name.token == token {
			return name.on, true
		}
	}
	return 0, false
}

func knownFallbacks() string {
	var tokens []string
	for _, name := range fallbackNames {
		tokens = append(tokens, name.token)
	}
	return strings.Join(tokens, ", ")
}

// Has reports whether every cause of the other set is in this one.
func (f FallbackOn) Has(causes FallbackOn) bool { return f&causes == causes && causes != 0 }

// Allows reports whether the cause crosses sides: when it is in the set, and
// the method is a safe one or no attempt of this exchange has sent a byte. An
// Idempotency-Key never licenses crossing: the other side does not know it.
func (f FallbackOn) Allows(cause FallbackOn, safe, sent bool) bool {
	return f.Has(cause) && (safe || !sent)
}

// FallbackCause returns what an attempt amounts to: the cause of its class, or
// of the status that the backend answered with. Where the answer was none, it
// is the 502 that the client would get. 0: this is no cause to fall back.
func FallbackCause(class Class, status int) FallbackOn {
	switch class {
	case NotSent:
		return FallbackNotSent
	case Timeout:
		return FallbackTimeout
	case NoResponse, BadResponse:
		return Fallback502
	case OK, Failure:
		return fallbackStatus(status)
	default:
		return 0
	}
}

func fallbackStatus(status int) FallbackOn {
	switch status {
	case 404:
		return Fallback404
	case 500:
		return Fallback500
	case 501:
		return Fallback501
	case 502:
		return Fallback502
	case 503:
		return Fallback503
	case 504:
		return Fallback504
	default:
		return 0
	}
}

// String returns the tokens with commas between them, each cause by itself.
func (f FallbackOn) String() string {
	var tokens []string
	for _, name := range fallbackNames[:len(fallbackNames)-1] { // without 5xx
		if f.Has(name.on) {
			tokens = append(tokens, name.token)
		}
	}
	return strings.Join(tokens, ",")
}
