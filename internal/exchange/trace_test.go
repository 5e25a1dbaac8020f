package exchange_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/exchange"
)

const (
	traceText = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanText  = "00f067aa0ba902b7"
)

func TestTraceparentsThatAreOne(t *testing.T) {
	for _, test := range []struct {
		text    string
		sampled bool
	}{
		{"00-" + traceText + "-" + spanText + "-01", true},
		{"00-" + traceText + "-" + spanText + "-00", false},
		{"00-" + traceText + "-" + spanText + "-03", true}, // with the random flag of level 2
		{"00-" + traceText + "-" + spanText + "-fe", false},
		{"cc-" + traceText + "-" + spanText + "-01", true},                 // a later version
		{"cc-" + traceText + "-" + spanText + "-01-what-comes-then", true}, // which says more
	} {
		got, ok := exchange.ParseTraceparent(test.text)
		want := exchange.Traceparent{
			Trace:   exchange.TraceID{0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36},
			Span:    exchange.SpanID{0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7},
			Sampled: test.sampled,
		}
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%s: read: %v, difference %s", test.text, ok, diff)
		}
	}
}

func TestTraceparentsThatAreNone(t *testing.T) {
	for name, text := range map[string]string{
		"empty":             "",
		"short":             "00-" + traceText + "-" + spanText + "-0",
		"long":              "00-" + traceText + "-" + spanText + "-01-more",
		"long, no dash":     "cc-" + traceText + "-" + spanText + "-01more",
		"version ff":        "ff-" + traceText + "-" + spanText + "-01",
		"version no number": "0g-" + traceText + "-" + spanText + "-01",
		"upper case":        "00-" + strings.ToUpper(traceText) + "-" + spanText + "-01",
		"no trace":          "00-" + strings.Repeat("0", 32) + "-" + spanText + "-01",
		"no span":           "00-" + traceText + "-" + strings.Repeat("0", 16) + "-01",
		"flags no number":   "00-" + traceText + "-" + spanText + "-0x",
		"underscores":       "00_" + traceText + "_" + spanText + "_01",
		"a quote":           "00-" + `"` + traceText[1:] + "-" + spanText + "-01",
		"two in one":        "00-" + traceText + "-" + spanText + "-01,00-" + traceText + "-" + spanText + "-01",
		"not of ASCII":      "00-" + traceText[:30] + "é-" + spanText + "-01",
	} {
		if got, ok := exchange.ParseTraceparent(text); ok || got != (exchange.Traceparent{}) {
			t.Errorf("%s: %q was read as %v", name, text, got)
		}
	}
}

func TestCallerIsOneOrNone(t *testing.T) {
	one := "00-" + traceText + "-" + spanText + "-01"
	if caller, ok := exchange.Caller(exchange.Fields{"Traceparent": {one}}); !ok || caller.String() != one {
		t.Errorf("the caller is %s (%v), want %s", caller, ok, one)
	}
	for _, values := range [][]string{nil, {}, {one, one}, {"x"}} {
		if caller, ok := exchange.Caller(exchange.Fields{"Traceparent": values}); ok {
			t.Errorf("%q is the caller %s", values, caller)
		}
	}
}

func TestPropagateReplacesWhatTheClientSaid(t *testing.T) {
	parent, _ := exchange.ParseTraceparent("00-" + traceText + "-" + spanText + "-01")
	span := exchange.SpanID{7: 9}
	for state, want := range map[string]exchange.Fields{
		"": {"Traceparent": {"00-" + traceText + "-0000000000000009-01"}, "Accept": {"a"}},
		"v=1,w=2": {
			"Traceparent": {"00-" + traceText + "-0000000000000009-01"}, "Tracestate": {"v=1,w=2"}, "Accept": {"a"},
		},
	} {
		fields := exchange.Fields{"Traceparent": {"hostile", "twice"}, "Tracestate": {"x=y", "z"}, "Accept": {"a"}}
		(&exchange.Trace{Traceparent: parent, State: state}).Propagate(fields, span)
		if diff := cmp.Diff(want, fields); diff != "" {
			t.Errorf("state %q (-want +got):\n%s", state, diff)
		}
	}
}

func FuzzTraceparent(f *testing.F) {
	f.Add("00-" + traceText + "-" + spanText + "-01")
	f.Add("cc-" + traceText + "-" + spanText + "-01-x")
	f.Fuzz(func(t *testing.T, text string) {
		parsed, ok := exchange.ParseTraceparent(text)
		if !ok {
			return
		}
		if written := parsed.String(); written[2:53] != text[2:53] {
			t.Errorf("%q was written as %q", text, written)
		}
		if again, ok := exchange.ParseTraceparent(parsed.String()); !ok || again != parsed {
			t.Errorf("%q was read again as %v", parsed, again)
		}
	})
}
