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

func TestBeginSendsToTheAssignedSideWithinItsLimit(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		kind   exchange.Kind
		side   routing.Side
		whole  time.Duration
		within time.Duration
	}{
		"read":               {"GET", exchange.KindPlain, routing.Legacy, 10 * time.Second, 3 * time.Second},
		"head is a read":     {"HEAD", exchange.KindPlain, routing.New, 10 * time.Second, 3 * time.Second},
		"options is a read":  {"OPTIONS", exchange.KindPlain, routing.New, 10 * time.Second, 3 * time.Second},
		"write":              {"POST", exchange.KindPlain, routing.New, 10 * time.Second, 4 * time.Second},
		"unknown is a write": {"PURGE", exchange.KindPlain, routing.New, 10 * time.Second, 4 * time.Second},
		"never beyond whole": {"POST", exchange.KindPlain, routing.New, time.Second, time.Second},
		"upgrade":            {"GET", exchange.KindUpgrade, routing.Legacy, time.Second, time.Hour},
		"events":             {"GET", exchange.KindEvents, routing.Legacy, time.Second, time.Hour},
		"gRPC":               {"POST", exchange.KindGRPC, routing.Legacy, time.Second, time.Hour},
	} {
		x := exchange.Exchange{Method: c.method, Kind: c.kind, Assignment: routing.Assignment{Side: c.side}}
		own := limits
		own.Whole = c.whole
		next := x.Begin(own)
		if next.Do != exchange.Send || next.Side != c.side || next.Within != c.within {
			t.Errorf("%s: %+v, want a send to %s within %s", name, next, c.side, c.within)
		}
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
		"not implemented":               {exchange.KindPlain, 501, nil, exchange.Relay, guard.OK, exchange.KindPlain, 20 * time.Second},
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
		x := exchange.Exchange{Method: "GET", Kind: c.asked}
		next := x.HeadArrived(c.status, c.fields, limits)
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
		var x exchange.Exchange
		next := x.AttemptFailed(class)
		if next.Do != exchange.Answer || next.Problem.Code != want.code || next.Problem.Status != want.status || x.Class != class {
			t.Errorf("%s: %+v", class, next.Problem)
		}
		if backends := next.Problem.Status >= 500; backends != class.BackendFault() {
			t.Errorf("%s is answered with %d, and is the backend's fault: %v", class, next.Problem.Status, class.BackendFault())
		}
	}
	var x exchange.Exchange
	if next := x.AttemptFailed(guard.ClientGone); next.Do != exchange.Abort {
		t.Errorf("a client that is gone is answered: %+v", next)
	}
	if next := x.BodyBroke(guard.Broken); next.Do != exchange.Abort || x.Class != guard.Broken {
		t.Errorf("a broken body ends with %+v", next)
	}
}
