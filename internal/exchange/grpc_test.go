package exchange_test

import (
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/exchange"
	"github.com/stranglerfig/strangler/internal/guard"
)

func TestGRPCTimeout(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "1S": time.Second, "100m": 100 * time.Millisecond, "5u": 5 * time.Microsecond, "7n": 7, "2M": 2 * time.Minute, "3H": 3 * time.Hour,
		"99999999H": 1<<63 - 1, "99999999S": 99999999 * time.Second,
		"999999999S": 0, "S": 0, "1": 0, "1s": 0, "-1S": 0, "1.5S": 0, "0S": 0,
	} {
		if got := exchange.GRPCTimeout(exchange.Fields{"Grpc-Timeout": {text}}); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}

func TestGRPCClass(t *testing.T) {
	for _, test := range []struct {
		kind              exchange.Kind
		status            int
		inHead, inTrailer string
		want              guard.Class
	}{
		{exchange.KindGRPC, 200, "", "0", guard.OK},
		{exchange.KindGRPC, 200, "", "13", guard.Failure},
		{exchange.KindGRPC, 200, "14", "", guard.Failure},
		{exchange.KindGRPC, 200, "5", "", guard.OK},
		{exchange.KindGRPC, 503, "", "", guard.Failure},
		{exchange.KindGRPC, 200, "", "", guard.OK},
		{exchange.KindGRPC, 200, "", "many", guard.OK},
		{exchange.KindPlain, 200, "14", "14", guard.OK},
	} {
		x := begun(exchange.Exchange{Kind: test.kind}, policy(), nil)
		x.HeadArrived(test.status, exchange.Fields{"Grpc-Status": {test.inHead}}, tried(0))
		next := x.Relayed(exchange.Fields{"Grpc-Status": {test.inTrailer}})
		if x.Class != test.want || next.Do != exchange.Done {
			t.Errorf("%+v: %s, next %v", test, x.Class, next.Do)
		}
	}
}

func TestProblemsAsGRPC(t *testing.T) {
	for code, want := range map[int]string{400: "13", 404: "12", 405: "13", 500: "13", 502: "14", 503: "14", 504: "4"} {
		problem := exchange.Problem{Code: "some_code", Status: code, Title: "50 % é"}
		if status, message := problem.GRPC(); status != want || message != "strangler: some_code: 50 %25 %C3%A9" {
			t.Errorf("%d: %s %q", code, status, message)
		}
	}
}
