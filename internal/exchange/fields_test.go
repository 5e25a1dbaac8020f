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
		upgradable bool
		fields     exchange.Fields
		want       exchange.Kind
	}{
		"plain":                 {true, exchange.Fields{"Accept": {"*/*"}}, exchange.KindPlain},
		"WebSocket":             {true, exchange.Fields{"Connection": {"keep-alive, Upgrade"}, "Upgrade": {"websocket"}}, exchange.KindUpgrade},
		"cannot":                {false, exchange.Fields{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}}, exchange.KindPlain},
		"upgrade not named":     {true, exchange.Fields{"Upgrade": {"websocket"}}, exchange.KindPlain},
		"nothing to upgrade to": {true, exchange.Fields{"Connection": {"Upgrade"}}, exchange.KindPlain},
		"h2c is not taken up":   {true, exchange.Fields{"Connection": {"Upgrade, HTTP2-Settings"}, "Upgrade": {"h2c"}}, exchange.KindPlain},
		"h2c among others":      {true, exchange.Fields{"Connection": {"Upgrade"}, "Upgrade": {"h2c, websocket"}}, exchange.KindUpgrade},
		"events":                {true, exchange.Fields{"Accept": {"text/event-stream"}}, exchange.KindEvents},
		"gRPC":                  {false, exchange.Fields{"Content-Type": {"application/grpc+proto"}}, exchange.KindGRPC},
	} {
		if got := exchange.RequestKind(c.upgradable, c.fields); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestOffered(t *testing.T) {
	asked := exchange.Fields{"Upgrade": {"chat/2, chat/1", "h2c"}}
	for chosen, want := range map[string]bool{
		"chat/1": true, "Chat/2": true, "chat/3": false, "": false, "h2c": false, "chat/1, chat/2": true, "chat/1, x": false,
	} {
		if got := exchange.Offered(asked, exchange.Fields{"Upgrade": {chosen}}); got != want {
			t.Errorf("a switch to %q was offered: %v", chosen, got)
		}
	}
}

func TestDisguisedFieldsAreStripped(t *testing.T) {
	in := exchange.Fields{}
	for _, name := range []string{
		"X_forwarded_for", "X.forwarded.for", "X-Forwarded_proto", "Strangler_shadow", "Transfer_encoding", "Content_length", "X~real~ip",
	} {
		in[name] = []string{"1"}
	}
	in["X_plain"], in["Content-Length"] = []string{"1"}, []string{"1"}
	var x exchange.Exchange
	out := x.OutboundRequest(in, exchange.Origin{PeerText: "1.2.3.4", Scheme: "http", Trusted: true})
	for name := range in {
		if _, passed := out[name]; passed != (name == "X_plain" || name == "Content-Length") {
			t.Errorf("%s passed: %v", name, passed)
		}
	}
}

func TestTrailerPasses(t *testing.T) {
	for name, want := range map[string]bool{
		"Grpc-Status": true, "X-Sum": true, "Content-Length": false, "Transfer-Encoding": false, "X-Forwarded-For": false,
		"Strangler-Shadow": false, "Connection": false, "Content_length": false, "Set-Cookie": false,
	} {
		if got := exchange.TrailerPasses(name); got != want {
			t.Errorf("%s passes: %v", name, got)
		}
	}
}
