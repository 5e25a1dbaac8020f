package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/stranglerfig/strangler/internal/api"
	"github.com/stranglerfig/strangler/internal/auth"
	"github.com/stranglerfig/strangler/internal/fleet"
	"github.com/stranglerfig/strangler/internal/proxy"
	"github.com/stranglerfig/strangler/internal/rollout"
	"github.com/stranglerfig/strangler/internal/routing"
	"github.com/stranglerfig/strangler/internal/shadow"
	"github.com/stranglerfig/strangler/internal/stats"
	"github.com/stranglerfig/strangler/internal/store"
	"github.com/stranglerfig/strangler/internal/telemetry"
	"github.com/stranglerfig/strangler/internal/tracing"
	"github.com/stranglerfig/strangler/web"
)

// ErrInterrupted is the cause of a context that Ctrl-C ended: nobody waits for
// a load balancer to look away then.
var ErrInterrupted = errors.New("interrupted")

// Env is what a program has besides its settings.
type Env struct {
	Version string
	Stdout  io.Writer
	Stderr  io.Writer
	// Terminal reports that a person is looking at Stderr.
	Terminal bool
	// Passed are listening sockets that the service manager has opened (systemd's
	// socket activation). The router closes them.
	Passed []*os.File
	// Notify tells the service manager something, in systemd's words; nil: there
	// is none to tell.
	Notify func(state string) error
}

// Router is one running `strangler serve`.
type Router struct {
	config  Config
	env     Env
	logger  *slog.Logger
	store   store.Store
	proxy   *proxy.Proxy
	watcher *fleet.Watcher
	access  *telemetry.AccessLog
	tracer  *tracing.Tracer // nil: there is no collector
	counts  *stats.Counts
	board   *stats.Board // what is seen of each lane
	logins  *api.Logins

	troubles  *troubles
	overrides *auth.OverrideKeys
	redaction *auth.RedactionKeys // hide what must not be stored
	shadows   *shadows
	pilotage  *pilotage

	data, admin       *door
	server            *proxy.Server
	api               *http.Server
	draining, stopped atomic.Bool
}

// Serve runs a router until ctx ends, drains it, and returns nil; or says why
// it could not start or had to stop.
func Serve(ctx context.Context, config Config, env Env) error {
	router, err := NewRouter(ctx, config, env)
	if err != nil {
		return err
	}
	return router.Run(ctx)
}

// NewRouter opens listeners and store. After it returns without an error, Run
// must be called: it is what closes them.
func NewRouter(ctx context.Context, config Config, env Env) (_ *Router, err error) {
	r := &Router{config: config, env: env, logger: jsonLogger(env.Stderr)}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if err := r.inherit(); err != nil {
		return nil, err
	}
	if err := r.config.validate(); err != nil {
		return nil, err
	}
	if err := r.listen(); err != nil {
		return nil, err
	}
	r.store, err = store.Open(ctx, config.Database, store.Options{
		Logger: r.logger, DatabaseListen: config.DatabaseListen, Migrate: true, Lock: true,
	})
	if err != nil {
		return nil, err
	}
	if r.access, err = telemetry.OpenAccessLog(config.AccessLog, env.Stdout); err != nil {
		return nil, badSetting("access-log", config.AccessLog, err.Error())
	}
	if err := r.build(); err != nil {
		return nil, err
	}
	return r, r.firstSteps(ctx)
}

// build makes the rooms and hands them their ports.
func (r *Router) build() error {
	metrics := telemetry.New(r.env.Version)
	r.counts, r.board = stats.New(), stats.NewBoard(time.Now())
	trusted, err := r.config.trusted()
	if err != nil {
		return err
	}
	stateDir, err := r.config.stateDir()
	if err != nil {
		return err
	}
	if r.overrides, err = r.config.overrideKeys(stateDir); err != nil {
		return err
	}
	if r.redaction, err = r.config.redactionKeys(stateDir, r.logger); err != nil {
		return err
	}
	tracer, err := r.followTraces(metrics)
	if err != nil {
		return err
	}
	r.shadows = newShadows(r.config.instanceName(r.data.Addr()), r.config.ShadowMemory, r.store, r.redaction, r.logger)
	r.proxy = proxy.New(proxy.Options{
		Trusted: trusted, ProxyProtocol: r.config.ProxyProtocol,
		Metrics: metrics, Counts: r.counts, Board: r.board, AccessLog: r.access, Tracer: tracer, Overrides: r.overrides, Logger: r.logger,
		Shadows: r.shadows.engine,
	})
	metrics.Guards(r.laneGuards, r.backendGuards)
	metrics.ShadowState(r.shadows.state)
	r.troubles = &troubles{proxy: r.proxy}
	tables := &tables{proxy: r.proxy, board: r.board, shadows: r.shadows, metrics: metrics, logger: r.logger, applied: r.tellRevision}
	r.watcher = fleet.NewWatcher(fleet.Config{
		Source: r.store, Apply: tables.apply, StateDir: stateDir,
		Instance: r.config.instanceName(r.data.Addr()), Version: r.env.Version, Logger: r.logger, OverrideKeys: r.overrides.IDs,
		RedactionKeys: r.redaction.IDs, Trouble: r.troubles.now,
	})
	r.pilotage = r.newPilotage(metrics)
	return r.buildServers(metrics)
}

// buildServers makes the data server and the admin server.
func (r *Router) buildServers(metrics *telemetry.Metrics) error {
	dataTLS, err := r.config.dataTLS(r.logger)
	if err != nil {
		return err
	}
	adminTLS, err := certificate("admin-tls", r.config.AdminTLSCert, r.config.AdminTLSKey, r.logger)
	if err != nil {
		return err
	}
	stopping := make(chan struct{})
	pages, err := web.Files()
	if err != nil {
		return err
	}
	handler, err := api.New(api.Config{
		Catalog: r.store, Editor: r.store, History: r.store,
		Mover:  &rollout.Controller{Ledger: r.store, History: r.store, Gates: r.pilotage.evaluator},
		Router: r, Forwarders: r, Served: r.watcher.Changed, Accept: r.watcher.Accept, Trouble: r.troubles.now,
		Tokens: r.verifier(metrics), TokenStore: r.store,
		Overrides: r.store, Controls: r.store, Signer: r.overrides, Counts: r.store, Evidence: r.store, Replay: r.shadows.replay,
		Gates: r.pilotage.evaluator, Leases: r.store, Windows: r.store, Places: r.store, Notifier: r.pilotage.notifier,
		Reach: reach, BackendTLS: checkTLS, Metrics: metrics.Handler(), Changed: r.watcher.Wake,
		Pages: pages, Stopping: stopping, Hosts: r.config.AdminHosts, Instance: r.config.instanceName(r.data.Addr()),
		Version: r.env.Version, StoreURL: r.store.URL(), Logger: r.logger,
	})
	if err != nil {
		return err
	}
	r.server = r.proxy.NewServer(r.withHealth(r.proxy), dataTLS)
	r.api = &http.Server{
		Handler: handler, TLSConfig: adminTLS,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10,
		ErrorLog:       slog.NewLogLogger(r.logger.Handler(), slog.LevelWarn),
	}
	r.api.RegisterOnShutdown(sync.OnceFunc(func() { close(stopping) }))
	return nil
}

// verifier checks tokens, and has what it denies counted and noted.
func (r *Router) verifier(metrics *telemetry.Metrics) *auth.Verifier {
	verifier := auth.NewVerifier(r.store, r.config.AdminToken, r.logger)
	metrics.DeniedLogins(verifier.Failed)
	r.logins = &api.Logins{
		Take: verifier.TakeDenied, Notes: r.store, Instance: r.config.instanceName(r.data.Addr()), Logger: r.logger,
	}
	return verifier
}

// withHealth answers --health-path in front of the data plane.
func (r *Router) withHealth(next http.Handler) http.Handler {
	path := r.config.HealthPath
	if path == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path != path {
			next.ServeHTTP(w, req)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		if err := r.Ready(); err != nil {
			if r.draining.Load() {
				w.Header().Set("Connection", "close") // no answer may keep a connection then
			}
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ok\n")
	})
}

// firstSteps is what a new installation needs: the monolith behind everything, and a token.
func (r *Router) firstSteps(ctx context.Context) error {
	if r.config.Legacy != "" {
		if err := seedEventually(ctx, r.store, r.config.Legacy, r.logger); err != nil {
			return err
		}
	}
	return r.offerToken(ctx)
}

// Run serves until ctx ends, then drains: first not ready, then no new
// connections, then the exchanges under way, and the store last of all, so
// that a rollback still arrives meanwhile.
func (r *Router) Run(ctx context.Context) error {
	defer r.close()
	watching, stopWatching := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWatching()

	group, failed := errgroup.WithContext(context.WithoutCancel(ctx))
	group.Go(func() error { return r.watcher.Run(watching) })
	group.Go(func() error { r.flusher().Run(watching); return nil })
	group.Go(func() error { r.windows().Run(watching); return nil })
	group.Go(func() error { r.evidence().Run(watching); return nil })
	group.Go(func() error { r.logins.Run(watching); return nil })
	group.Go(func() error { r.pilotage.run(watching); return nil })
	group.Go(func() error { r.reopenOnHangup(watching); return nil })
	err := r.takeOver(ctx, failed)
	if err == nil {
		r.serve(group, watching)
		select {
		case <-ctx.Done():
		case <-failed.Done():
		}
		r.drain(ctx)
	}
	r.shadows.close(context.WithoutCancel(ctx))
	stopWatching()
	if ended := group.Wait(); ended != nil {
		return ended
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// serve has both listeners served, and says so.
func (r *Router) serve(group *errgroup.Group, watching context.Context) { //nolint:revive // the group runs what watching ends
	group.Go(func() error { r.awaitTable(watching); return r.server.Serve(r.data) })
	group.Go(func() error { return serveAdmin(r.api, r.admin) })
	group.Go(func() error { r.tellReady(watching); return nil })
	r.logger.Info("listening", "listener", dataListener, "address", r.data.Addr().String())
	r.logger.Info("listening", "listener", adminListener, "address", r.admin.Addr().String())
}

// flusher brings what this router serves to the store.
func (r *Router) flusher() *stats.Flusher {
	return &stats.Flusher{
		Counts: r.counts, Sink: r.store, Instance: r.config.instanceName(r.data.Addr()), Logger: r.logger,
	}
}

// windows brings what this router sees of its lanes to the store.
func (r *Router) windows() *stats.WindowFlusher {
	return &stats.WindowFlusher{
		Board: r.board, Sink: r.store, Instance: r.config.instanceName(r.data.Addr()), Logger: r.logger,
	}
}

// evidence brings what shadowing finds to the store.
func (r *Router) evidence() *shadow.Flusher {
	return &shadow.Flusher{Collector: r.shadows.collector, Sink: r.store, Logger: r.logger}
}

// reopenOnHangup opens the access log's file anew on SIGHUP, for log rotation.
func (r *Router) reopenOnHangup(ctx context.Context) {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			if err := r.access.Reopen(); err != nil {
				r.logger.Error("the access log could not be reopened: the old file is still written", "error", err)
			}
		}
	}
}

// drain ends the exchanges in an order that loses none: not ready; answers
// that say it was the last one; no new connections, but those in the queue;
// a last request of those who are connected; and then what is under way.
func (r *Router) drain(ctx context.Context) {
	r.draining.Store(true)
	r.tell("STOPPING=1\nSTATUS=draining")
	r.server.Announce()
	interrupted := errors.Is(context.Cause(ctx), ErrInterrupted)
	if r.config.DrainDelay > 0 && !interrupted && ctx.Err() != nil {
		r.logger.Info("draining: not ready from now on", "closing_in", r.config.DrainDelay)
		time.Sleep(r.config.DrainDelay)
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.config.DrainTimeout)
	defer cancel()
	r.data.stop()
	r.admin.stop()
	if !interrupted {
		r.server.Linger(limit)
	}
	r.server.Drain(limit)
	_ = r.api.Shutdown(limit)
	r.logger.Info("drained")
}

// close releases what NewRouter opened. Closing twice does no harm.
func (r *Router) close() {
	for _, door := range [...]*door{r.data, r.admin} {
		if door != nil {
			_ = door.Close()
		}
	}
	if r.proxy != nil {
		r.proxy.Close()
	}
	if r.store != nil && r.stopped.CompareAndSwap(false, true) {
		_ = r.store.Close()
	}
	r.closeTraces()
	if err := r.access.Close(); err != nil {
		r.logger.Warn("the access log was not closed whole", "error", err)
	}
}

// DataAddr and AdminAddr are the addresses in use, with the port that a 0 became.
func (r *Router) DataAddr() net.Addr { return r.data.Addr() }

// AdminAddr is the address of the admin listener.
func (r *Router) AdminAddr() net.Addr { return r.admin.Addr() }

// Table implements api.Router.
func (r *Router) Table() *routing.Table { return r.proxy.Table() }

// Snapshot implements api.Router.
func (r *Router) Snapshot() *fleet.Snapshot { return r.watcher.Current() }

// Status implements api.Router.
func (r *Router) Status() fleet.Status { return r.watcher.Status() }

// Why a router is not ready.
var (
	errDraining = errors.New("draining: this router is about to stop")
	errNoTable  = errors.New("no routing table yet: neither the store nor a snapshot file could be read")
)

// Ready implements api.Router.
func (r *Router) Ready() error {
	switch {
	case r.draining.Load():
		return errDraining
	case !r.proxy.Ready():
		return errNoTable
	default:
		return nil
	}
}

// serveAdmin serves the admin API until it is shut down.
func serveAdmin(server *http.Server, listener net.Listener) error {
	var err error
	if server.TLSConfig != nil {
		err = server.ServeTLS(listener, "", "")
	} else {
		err = server.Serve(listener)
	}
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
