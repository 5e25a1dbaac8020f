package proxy_test

import (
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// A table that has come into service holds for what waits for its turn as well:
// nobody is asked who is no longer the route's side, nor in a stage without shadows.
func TestWhatWaitsInTheQueueGoesByTheTableInService(t *testing.T) {
	for name, change := range map[string]func(r *shadower, elsewhere string) (want map[string]uint64, atNew, atElsewhere int){
		"another backend": func(r *shadower, elsewhere string) (map[string]uint64, int, int) {
			r.backends["new"] = proxy.Backend{Endpoints: []string{elsewhere}}
			r.install(2, shadowing(routing.StageShadow, 0))
			return map[string]uint64{"match": 4}, 1, 3
		},
		"stopped": func(r *shadower, _ string) (map[string]uint64, int, int) {
			r.install(2, shadowing(routing.StageLegacy, 0))
			return map[string]uint64{"match": 1, "stopped": 3}, 1, 0
		},
		"no such route": func(r *shadower, _ string) (map[string]uint64, int, int) {
			r.install(2, legacyOnly())
			return map[string]uint64{"match": 1, "stopped": 3}, 1, 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			var atNew, atElsewhere received
			release, arrived := make(chan struct{}), make(chan struct{}, 10)
			r := startShadower(t, map[string]string{
				"legacy": named(t, "x"),
				"new": backend(t, atNew.serve(func(w http.ResponseWriter, req *http.Request) {
					arrived <- struct{}{}
					<-release
					_, _ = io.WriteString(w, "x")
				})),
			}, func(p *shadow.Policy) { p.AtOnce, p.Timeout = 1, time.Minute })
			r.install(1, shadowing(routing.StageShadow, 0))
			for range 4 {
				r.get("/")
			}
			<-arrived
			r.log.entries(t, 4)
			want, fresh, elsewhere := change(r, backend(t, atElsewhere.serve(plainly("text/plain; charset=utf-8", "x"))))
			close(release)
			r.want(want)
			got, there := atNew.all()
			_ = there
			others, _ := atElsewhere.all()
			if len(got) != fresh || len(others) != elsewhere {
				t.Errorf("%d requests at new and %d elsewhere, want %d and %d", len(got), len(others), fresh, elsewhere)
			}
		})
	}
}
