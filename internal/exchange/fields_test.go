package exchange_test

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/exchange"
)

func TestClientAddress(t *testing.T) {
	trusted := func(a netip.Addr) bool { return netip.MustParsePrefix("10.0.0.0/8").Contains(a) }
	for name, c := range map[string]struct {
		trusted bool
		chain   []string
		want    string
	}{
		"a stranger is who it is":      {false, []string{"6.6.6.6"}, "10.0.0.1"},
		"no header":                    {true, nil, "10.0.0.1"},
		"one hop":                      {true, []string{"203.0.113.9"}, "203.0.113.9"},
		"the last untrusted counts":    {true, []string{"6.6.6.6, 203.0.113.9, 10.0.0.2"}, "203.0.113.9"},
		"over two lines":               {true, []string{"6.6.6.6, 203.0.113.9", "10.0.0.2"}, "203.0.113.9"},
		"all trusted: the first":       {true, []string{"10.0.0.9, 10.0.0.2"}, "10.0.0.9"},
		"nonsense ends the walk":       {true, []string{"203.0.113.9, unknown, 10.0.0.2"}, "10.0.0.2"},
		"IPv6 with brackets":           {true, []string{"[2001:db8::1]"}, "2001:db8::1"},
		"IPv4 in IPv6 is IPv4":         {true, []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"empty elements end the walk":  {true, []string{"203.0.113.9, ,"}, "10.0.0.1"},
		"an empty line is passed over": {true, []string{"203.0.113.9", ""}, "203.0.113.9"},
	} {
		from := exchange.Origin{Peer: netip.MustParseAddr("10.0.0.1"), Trusted: c.trusted}
		got := exchange.ClientAddress(exchange.Fields{"X-Forwarded-For": c.chain}, from, trusted)
		if got.String() != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestOutboundRequestLeavesTheClientsFieldsAlone: retries and copies start from
// the same fields, so no attempt may change them.
func TestOutboundRequestLeavesTheClientsFieldsAlone(t *testing.T) {
	in := exchange.Fields{
		"Connection": {"close, X-Gone"}, "X-Gone": {"1"}, "X-Forwarded-For": {"6.6.6.6"}, "Accept": {"*/*"}, "Te": {"trailers, gzip"},
	}
	before := exchange.Fields{}
	for name, values := range in {
		before[name] = append([]string(nil), values...)
	}
	x := exchange.Exchange{RequestID: "r1"}
	out := x.OutboundRequest(in, exchange.Origin{PeerText: "2001:db8::7", Peer: netip.MustParseAddr("2001:db8::7"), Scheme: "https", Host: "shop.example"})
	want := exchange.Fields{
		"Accept": {"*/*"}, "Te": {"trailers"}, "User-Agent": nil, "X-Request-Id": {"r1"},
		"X-Forwarded-For": {"2001:db8::7"}, "X-Forwarded-Proto": {"https"}, "X-Forwarded-Host": {"shop.example"},
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("outbound fields (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, in); diff != "" {
		t.Errorf("the client's fields changed (-before +after):\n%s", diff)
	}
}

func TestForwardedNamesIPv6InBrackets(t *testing.T) {
	var x exchange.Exchange
	out := x.OutboundRequest(exchange.Fields{"Forwarded": {"for=1.2.3.4"}}, exchange.Origin{
		PeerText: "2001:db8::7", Peer: netip.MustParseAddr("2001:db8::7"), Scheme: "http", Trusted: true,
	})
	if got, want := out["Forwarded"][0], `for=1.2.3.4, for="[2001:db8::7]";proto=http`; got != want {
		t.Errorf("Forwarded %q, want %q", got, want)
	}
}

func TestRequestKind(t *testing.T) {
	for name, c := range map[string]struct {
		major  int
		fields exchange.Fields
		want   exchange.Kind
	}{
		"plain":                 {1, exchange.Fields{"Accept": {"*/*"}}, exchange.KindPlain},
		"WebSocket":             {1, exchange.Fields{"Connection": {"keep-alive, Upgrade"}, "Upgrade": {"websocket"}}, exchange.KindUpgrade},
		"not in HTTP/2":         {2, exchange.Fields{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}, exchange.KindPlain},
		"upgrade not named":     {1, exchange.Fields{"Upgrade": {"websocket"}}, exchange.KindPlain},
		"nothing to upgrade to": {1, exchange.Fields{"Connection": {"Upgrade"}}, exchange.KindPlain},
		"h2c is not taken up":   {1, exchange.Fields{"Connection": {"Upgrade, HTTP2-Settings"}, "Upgrade": {"h2c"}}, exchange.KindPlain},
		"events":                {1, exchange.Fields{"Accept": {"text/event-stream"}}, exchange.KindEvents},
		"gRPC":                  {2, exchange.Fields{"Content-Type": {"application/grpc+proto"}}, exchange.KindGRPC},
	} {
		if got := exchange.RequestKind(c.major, c.fields); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
