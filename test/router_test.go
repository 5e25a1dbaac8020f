package test_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// router is one `strangler serve`. Started again, it has the addresses it had before.
type router struct {
	*process
	t           testing.TB
	name        string
	data, admin string // host:port
	args, env   []string
}

// serve starts a router and waits until it is ready. Later flags win over
// earlier ones, so args may say anything else.
func serve(t testing.TB, name string, env []string, args ...string) *router {
	t.Helper()
	r := &router{t: t, name: name, data: "127.0.0.1:0", admin: "127.0.0.1:0", args: args, env: env}
	r.args = append([]string{"--state-dir", t.TempDir(), "--access-log", "off", "--drain-delay", "0s"}, args...)
	r.start()
	return r
}

func (r *router) start() {
	r.t.Helper()
	command := command(r.t, "strangler", append([]string{
		"serve", "--instance", r.name, "--listen", r.data, "--admin", r.admin,
	}, r.args...)...)
	command.Env = append(command.Env, r.env...)
	r.process = launch(r.t, command)
	var data, admin string
	eventually(r.t, "the router "+r.name+" listens", func() bool {
		if !r.running() {
			r.t.Fatalf("the router %s has ended:\n%s", r.name, r.stderr)
		}
		data, admin = listening(r.stderr.String(), "data"), listening(r.stderr.String(), "admin")
		return data != "" && admin != ""
	})
	if r.data != data { // visitors read it while a router starts again
		r.data, r.admin = data, admin
	}
	eventually(r.t, "the router "+r.name+" is ready", r.ready)
}

// listening finds the address of a listener in a router's log; empty: not there yet.
func listening(log, listener string) string {
	for line := range strings.Lines(log) {
		var said struct{ Msg, Listener, Address string }
		if json.Unmarshal([]byte(line), &said) == nil && said.Msg == "listening" && said.Listener == listener {
			return said.Address
		}
	}
	return ""
}

func (r *router) ready() bool {
	res, err := http.Get("http://" + r.admin + "/readyz")
	if err != nil {
		return false
	}
	res.Body.Close()
	return res.StatusCode == http.StatusOK
}

func (r *router) ctl(token string) ctl {
	return ctl{t: r.t, server: "http://" + r.admin, token: token}
}
