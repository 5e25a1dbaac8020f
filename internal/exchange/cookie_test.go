package exchange_test

import (
	"slices"
	"testing"

	"github.com/stranglerfig/strangler/internal/exchange"
)

func TestDropCookieLeavesTheOthersByteForByte(t *testing.T) {
	for _, c := range []struct {
		lines, want, values []string
	}{
		{[]string{"a=b"}, []string{"a=b"}, nil},
		{[]string{"mine=1"}, nil, []string{"1"}},
		{[]string{" mine = 1 "}, nil, []string{"1"}},
		{[]string{"mine=1; a=b"}, []string{"a=b"}, []string{"1"}},
		{[]string{"a=b; mine=1"}, []string{"a=b"}, []string{"1"}},
		{[]string{`a="x y";c=d=e ;mine=1;  f=; g`}, []string{`a="x y";c=d=e ;  f=; g`}, []string{"1"}},
		{[]string{"mine=1; a=b; mine=2"}, []string{"a=b"}, []string{"1", "2"}},
		{[]string{"a=b", "mine=1", "c=d; mine=2"}, []string{"a=b", "c=d"}, []string{"1", "2"}},
		{[]string{"xmine=1; minex=2; a=mine=3;  MINE=4 "}, []string{"xmine=1; minex=2; a=mine=3;  MINE=4 "}, nil},
		{[]string{"mine"}, nil, []string{""}},
	} {
		fields := exchange.Fields{"Cookie": slices.Clone(c.lines), "X-Other": {"mine=1"}}
		shared := fields["Cookie"]
		if values := slices.Collect(exchange.CookieValues(fields, "mine")); !slices.Equal(values, c.values) {
			t.Errorf("%q: values %q, want %q", c.lines, values, c.values)
		}
		exchange.DropCookie(fields, "mine")
		got, ok := fields["Cookie"]
		if !slices.Equal(got, c.want) || ok != (len(c.want) > 0) {
			t.Errorf("%q: left %q, want %q", c.lines, got, c.want)
		}
		if !slices.Equal(shared, c.lines) || len(fields["X-Other"]) != 1 {
			t.Errorf("%q: what is shared with others became %q", c.lines, shared)
		}
	}
}
