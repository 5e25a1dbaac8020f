package guard

import (
	"fmt"
	"time"
)

// Timeouts bounds one attempt and one whole exchange. A zero field means "the
// side's default" in what people write, and never occurs in what Defaulted returns.
type Timeouts struct {
	Connect time.Duration // until the TCP connection stands
	TLS     time.Duration // until the TLS handshake is done
	Read    time.Duration // GET, HEAD, OPTIONS: until the response head, per try
	Write   time.Duration // every other method: until the response head, per try
	Whole   time.Duration // until the response head, all tries and waiting between them
	Idle    time.Duration // between two reads of a response body
	Stream  time.Duration // the same for upgrades, gRPC and server-sent events, which have no Whole
}

// LegacyTimeouts are the defaults of the legacy side: wide, because putting the
// router in front of a monolith must change nothing.
func LegacyTimeouts() Timeouts {
	return Timeouts{
		Connect: 2 * time.Second, TLS: 5 * time.Second,
		Read: 60 * time.Second, Write: 60 * time.Second,
		Whole: 75 * time.Second, Idle: time.Hour, Stream: time.Hour,
	}
}

// NewTimeouts are the defaults of the new side.
func NewTimeouts() Timeouts {
	return Timeouts{
		Connect: 2 * time.Second, TLS: 5 * time.Second,
		Read: 5 * time.Second, Write: 15 * time.Second,
		Whole: 15 * time.Second, Idle: 30 * time.Second, Stream: time.Hour,
	}
}

// Defaulted returns t with every zero field taken from defaults.
func (t Timeouts) Defaulted(defaults Timeouts) Timeouts {
	fill(&t.Connect, defaults.Connect)
	fill(&t.TLS, defaults.TLS)
	fill(&t.Read, defaults.Read)
	fill(&t.Write, defaults.Write)
	fill(&t.Whole, defaults.Whole)
	fill(&t.Idle, defaults.Idle)
	fill(&t.Stream, defaults.Stream)
	return t
}

// Validate checks a defaulted set against itself: every value positive, and no
// single try longer than the whole exchange.
func (t Timeouts) Validate() error {
	for _, f := range []struct {
		name  string
		value time.Duration
	}{
		{"connect", t.Connect},
		{"tls", t.TLS},
		{"read", t.Read},
		{"write", t.Write},
		{"whole", t.Whole},
		{"idle", t.Idle},
		{"stream", t.Stream},
	} {
		if f.value <= 0 {
			return fmt.Errorf("timeout %s is %s: it must be positive", f.name, f.value)
		}
	}
	if t.Read > t.Whole {
		return fmt.Errorf("timeout read (%s) is longer than whole (%s): a single try cannot outlast the exchange", t.Read, t.Whole)
	}
	if t.Write > t.Whole {
		return fmt.Errorf("timeout write (%s) is longer than whole (%s): a single try cannot outlast the exchange", t.Write, t.Whole)
	}
	return nil
}

// fill gives a zero field its default.
func fill[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
