package app

import (
	"context"
	"crypto/rand"
	"io"
	"path/filepath"
	"time"

	"github.com/stranglerfig/strangler/internal/demo"
	"github.com/stranglerfig/strangler/internal/shadow"
)

// DemoRouter starts the router of a demo: loopback only, its store in the
// demo's folder, its token random and valid nowhere else. It is silent; what
// stops it is returned.
func DemoRouter(version string) demo.Start {
	return func(ctx context.Context, dir string) (demo.Router, error) {
		config := Config{
			Listen: "127.0.0.1:0", Admin: "127.0.0.1:0",
			Database: "sqlite:" + filepath.Join(dir, "strangler.db"), StateDir: filepath.Join(dir, "state"),
			Instance: "demo", AccessLog: "off", DrainTimeout: 2 * time.Second, ShadowMemory: shadow.DefaultBudget >> 20,
			AdminToken: "demo_" + rand.Text(),
		}
		router, err := NewRouter(ctx, config, Env{Version: version, Stdout: io.Discard, Stderr: io.Discard})
		if err != nil {
			return demo.Router{}, err
		}
		ended := make(chan error, 1)
		go func() { ended <- router.Run(ctx) }()
		return demo.Router{
			Shop:  "http://" + router.DataAddr().String(),
			Admin: "http://" + router.AdminAddr().String(),
			Token: config.AdminToken,
			Wait:  func() error { return <-ended },
		}, nil
	}
}
