package routing_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/stranglerfig/strangler/internal/routing"
)

func TestExplain(t *testing.T) {
	all := define("all", routing.Match{Prefix: "/"})
	table := compile(t,
		all,
		define("order", routing.Match{Path: "/orders/{id}"}),
		define("beta", routing.Match{Path: "/orders/{id:[0-9]+}", Headers: []routing.Condition{{Name: "X-Beta", Op: routing.Equals, Value: "1"}}}),
		define("debug", routing.Match{Path: "/orders/42", Query: []routing.Condition{{Name: "debug"}}}),
		define("put", routing.Match{Path: "/orders/{id}", Methods: []string{"PUT", "PATCH"}}),
		define("admin", routing.Match{Path: "/orders/{id}", Host: "admin.shop.example"}),
		define("lines", routing.Match{Path: "/orders/{id}/lines"}),
		define("users", routing.Match{Path: "/users/{id}"}),
	)
	e := table.Explain(get(t, "shop.example/orders/42"))
	if nameOf(e.Assignment.Route) != "order" || e.Assignment.Revision != 1 || e.Assignment.Point != -1 {
		t.Errorf("the assignment is %+v", e.Assignment)
	}
	type miss struct {
		Route  string
		Why    routing.Miss
		Detail string
	}
	var got []miss
	for _, m := range e.Close {
		got = append(got, miss{m.Route.Name, m.Why, m.Detail})
	}
	want := []miss{
		{"all", routing.MissOutranked, "it matches as well; order has precedence"},
		{"debug", routing.MissQuery, "it wants the query parameter debug to be present"},
		{"beta", routing.MissHeader, `it wants the header X-Beta to be "1"`},
		{"put", routing.MissMethod, "it wants PUT or PATCH, not GET"},
		{"admin", routing.MissHost, `it wants the host admin.shop.example, not "shop.example"`},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestExplainWithoutAWinner(t *testing.T) {
	table := compile(t,
		define("lines", routing.Match{Path: "/orders/{id}/lines/{line}"}),
		define("order", routing.Match{Path: "/orders/{id:[0-9]+}"}),
		define("users", routing.Match{Path: "/users/{id}"}),
	)
	e := table.Explain(get(t, "/orders/x"))
	if e.Assignment != (routing.Assignment{}) {
		t.Errorf("the assignment is %+v", e.Assignment)
	}
	want := []string{"lines path its path is /orders/{id}/lines/{line}", "order path its path is /orders/{id:[0-9]+}"}
	var got []string
	for _, m := range e.Close {
		got = append(got, fmt.Sprint(m.Route.Name, " ", m.Why, " ", m.Detail))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestExplainNamesFiveAtMost(t *testing.T) {
	var defs []routing.Definition
	for i := range 20 {
		defs = append(defs, define(fmt.Sprint(i), routing.Match{Path: fmt.Sprintf("/orders/%d", i)}))
	}
	if e := compile(t, defs...).Explain(get(t, "/orders/3")); nameOf(e.Assignment.Route) != "3" || len(e.Close) != 5 {
		t.Errorf("%d near misses, want 5", len(e.Close))
	}
}
