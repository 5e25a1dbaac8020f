package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stranglerfig/strangler/internal/app"
)

const adminToken = "strangler-test-token-3f9c1b7e2d"

// runningRouter is a real router in this process, with a SQLite store.
type runningRouter struct {
	url      string // of the admin API
	data     string // URL of the data listener
	database string
	stop     func() error
}

// newRouter starts a router that keeps everything in folder.
func newRouter(folder string) (*runningRouter, error) { return newRouterBefore("", folder) }

// newRouterBefore is newRouter with --legacy.
func newRouterBefore(legacy, folder string) (*runningRouter, error) {
	logs, err := os.Create(filepath.Join(folder, "router.log"))
	if err != nil {
		return nil, err
	}
	database := "sqlite:" + filepath.Join(folder, "strangler.db")
	router, err := app.NewRouter(context.Background(), app.Config{
		Listen: "127.0.0.1:0", Admin: "127.0.0.1:0", Database: database, AccessLog: "off", Legacy: legacy,
		Instance: "here:8080", AdminToken: adminToken, DrainTimeout: 5 * time.Second, ShadowMemory: 64,
	}, app.Env{Version: "test", Stdout: logs, Stderr: logs})
	if err != nil {
		return nil, errors.Join(err, logs.Close())
	}
	ctx, stop := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- router.Run(ctx) }()
	return &runningRouter{
		url:      "http://" + router.AdminAddr().String(),
		data:     "http://" + router.DataAddr().String(),
		database: database,
		stop: func() error {
			stop(app.ErrInterrupted)
			return errors.Join(<-ended, logs.Close())
		},
	}, nil
}

// routerFor starts a router for one test and returns the environment that
// leads stranglerctl to it.
func routerFor(t *testing.T) map[string]string {
	t.Helper()
	router, err := newRouter(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := router.stop(); err != nil {
			t.Error("the router ended with", err)
		}
	})
	return map[string]string{"STRANGLER_SERVER": router.url, "STRANGLER_TOKEN": adminToken}
}
