package exchange_test

import (
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
	"github.com/stranglerfig/strangler/internal/routing"
)

var limits = guard.Timeouts{
	Connect: 1, TLS: 2, Read: 3 * time.Second, Write: 4 * time.Second, Whole: 10 * time.Second,
	Idle: 20 * time.Second, Stream: time.Hour,
}

// policy is new's, with limits.
func policy() *guard.Policy {
	p := guard.NewPolicy()
	p.Timeouts = limits
	return &p
}

// begun is an exchange whose first try on its lane is under way.
func begun(x exchange.Exchange, p *guard.Policy, in exchange.Fields) *exchange.Exchange {
	x.Begin(p, in, 0)
	x.Admitted(0)
	return &x
}

// tried is a try that ended so late, with a body that can be sent again.
func tried(at time.Duration) exchange.Tried {
	return exchange.Tried{At: at, Replayable: true, Random: 0.5}
}

func TestBeginAsksForPermitsAndThenSendsWithinTheLimit(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		kind   exchange.Kind
		whole  time.Duration
		within time.Duration
	}{
		"read":               {"GET", exchange.KindPlain, 10 * time.Second, 3 * time.Second},
		"head is a read":     {"HEAD", exchange.KindPlain, 10 * time.Second, 3 * time.Second},
		"options is a read":  {"OPTIONS", exchange.KindPlain, 10 * time.Second, 3 * time.Second},
		"write":              {"POST", exchange.KindPlain, 10 * time.Second, 4 * time.Second},
		"unknown is a write": {"PURGE", exchange.KindPlain, 10 * time.Second, 4 * time.Second},
		"never beyond whole": {"POST", exchange.KindPlain, time.Second, time.Second},
		"upgrade":            {"GET", exchange.KindUpgrade, time.Second, time.Hour},
		"events":             {"GET", exchange.KindEvents, time.Second, time.Hour},
		"gRPC":               {"POST", exchange.KindGRPC, time.Second, time.Hour},
	} {
		x := exchange.Exchange{Method: c.method, Kind: c.kind}
		own := policy()
		own.Timeouts.Whole = c.whole
		if next := x.Begin(own, nil, 0); next.Do != exchange.Admit {
			t.Errorf("%s begins with %+v", name, next)
		}
		if next := x.Admitted(0); next.Do != exchange.Send || next.Within != c.within {
			t.Errorf("%s: %+v, want a try within %s", name, next, c.within)
		}
	}
}

func TestWaitingForPermitsUsesUpTheWholeLimit(t *testing.T) {
	x := exchange.Exchange{Method: "GET"}
	x.Begin(policy(), nil, 0)
	if next := x.Admitted(9 * time.Second); next.Within != time.Second {
		t.Errorf("%+v, want the second that is left of whole", next)
	}
}

func TestHeadArrived(t *testing.T) {
	events := exchange.Fields{"Content-Type": {"text/event-stream; charset=utf-8"}}
	for name, c := range map[string]struct {
		asked  exchange.Kind
		status int
		fields exchange.Fields
		do     exchange.Action
		class  guard.Class
		kind   exchange.Kind
		within time.Duration
	}{
		"fine":                          {exchange.KindPlain, 200, nil, exchange.Relay, guard.OK, exchange.KindPlain, 20 * time.Second},
		"client error is fine":          {exchange.KindPlain, 404, nil, exchange.Relay, guard.OK, exchange.KindPlain, 20 * time.Second},
		"501":                           {exchange.KindPlain, 501, nil, exchange.Relay, guard.OK, exchange.KindPlain, 20 * time.Second},
		"500":                           {exchange.KindPlain, 500, nil, exchange.Relay, guard.Failure, exchange.KindPlain, 20 * time.Second},
		"502":                           {exchange.KindPlain, 502, nil, exchange.Relay, guard.Failure, exchange.KindPlain, 20 * time.Second},
		"503":                           {exchange.KindPlain, 503, nil, exchange.Relay, guard.Failure, exchange.KindPlain, 20 * time.Second},
		"504":                           {exchange.KindPlain, 504, nil, exchange.Relay, guard.Failure, exchange.KindPlain, 20 * time.Second},
		"events unasked":                {exchange.KindPlain, 200, events, exchange.Relay, guard.OK, exchange.KindEvents, time.Hour},
		"no events in the end":          {exchange.KindEvents, 404, nil, exchange.Relay, guard.OK, exchange.KindPlain, 20 * time.Second},
		"upgrade":                       {exchange.KindUpgrade, 101, nil, exchange.Relay, guard.OK, exchange.KindUpgrade, time.Hour},
		"upgrade declined":              {exchange.KindUpgrade, 200, nil, exchange.Relay, guard.OK, exchange.KindPlain, 20 * time.Second},
		"upgrade that nobody asked for": {exchange.KindPlain, 101, nil, exchange.Answer, guard.BadResponse, exchange.KindPlain, 0},
		"below 100":                     {exchange.KindPlain, 99, nil, exchange.Answer, guard.BadResponse, exchange.KindPlain, 0},
		"beyond 999":                    {exchange.KindPlain, 1000, nil, exchange.Answer, guard.BadResponse, exchange.KindPlain, 0},
	} {
		one := policy()
		one.Retry.Attempts = 1
		x := begun(exchange.Exchange{Method: "GET", Kind: c.asked}, one, nil)
		next := x.HeadArrived(c.status, c.fields, tried(0))
		if next.Do != c.do || x.Class != c.class || x.Kind != c.kind || next.Within != c.within {
			t.Errorf("%s: do %d within %s, class %s, kind %s", name, next.Do, next.Within, x.Class, x.Kind)
		}
	}
}

func TestEveryFailureHasAnAnswerButTheClientsLeaving(t *testing.T) {
	for class, want := range map[guard.Class]struct {
		code   string
		status int
	}{
		guard.NotSent: {"upstream_unreachable", 502}, guard.NoResponse: {"upstream_closed", 502},
		guard.Timeout: {"upstream_timeout", 504}, guard.BadResponse: {"upstream_invalid", 502},
		guard.ClientFault: {"bad_body", 400},
	} {
		one := policy()
		one.Retry.Attempts = 1
		x := begun(exchange.Exchange{}, one, nil)
		next := x.AttemptFailed(class, tried(0))
		if next.Do != exchange.Answer || next.Problem.Code != want.code || next.Problem.Status != want.status || x.Class != class {
			t.Errorf("%s: %+v", class, next.Problem)
		}
		if backends := next.Problem.Status >= 500; backends != class.BackendFault() {
			t.Errorf("%s is answered with %d, and is the backend's fault: %v", class, next.Problem.Status, class.BackendFault())
		}
	}
	x := begun(exchange.Exchange{}, policy(), nil)
	if next := x.AttemptFailed(guard.ClientGone, tried(0)); next.Do != exchange.Abort {
		t.Errorf("a client that is gone is answered: %+v", next)
	}
	if next := x.BodyBroke(guard.Broken); next.Do != exchange.Abort || x.Class != guard.Broken {
		t.Errorf("a broken body ends with %+v", next)
	}
}

// TestWithoutAnEndpointNobodyWaits for another try.
func TestWithoutAnEndpointNobodyWaits(t *testing.T) {
	x := begun(exchange.Exchange{Method: "POST"}, policy(), nil)
	if next := x.NoEndpoint(true); next.Do != exchange.Answer || next.Problem.Code != "upstream_unreachable" || x.Class != guard.NotSent {
		t.Errorf("%+v, class %s", next, x.Class)
	}
	x = begun(exchange.Exchange{Method: "POST", Assignment: routing.Assignment{Side: routing.New, Stage: routing.StageCanary}}, policy(), nil)
	if next := x.NoEndpoint(true); next.Do != exchange.FallBack {
		t.Errorf("in canary: %+v, want legacy", next)
	}
}
