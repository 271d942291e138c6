// Print prices as they change: go run . ws://127.0.0.1:8000/ws/rates
package main

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

var (
	firstWait   = flag.Float64("first-wait", 10, "seconds; the first wait is a random part")
	longestWait = flag.Float64("longest-wait", 30, "seconds; the longest wait is a random part")
	quiet       = flag.Float64("quiet", 13, "seconds of silence that end a connection")
	// Go seeds the package's own numbers since 1.20 only; before, every process would wait the same.
	random = rand.New(rand.NewSource(time.Now().UnixNano()))
)

// stableAfter is how long a connection lasts that was a good one.
const stableAfter = 5 * time.Second

// Coin has what this program prints; unknown fields are ignored. Price is an exact decimal, nil until known.
type Coin struct {
	Symbol string
	Price  *string
	Stale  bool
}

// Message is any frame of rates.v1; its type decides which fields are there.
type Message struct {
	Type    string
	AsOf    string `json:"as_of"`
	Rates   []Coin
	Removed []string
	RetryMS int `json:"retry_ms"`
}

// End is how a connection ended: with a close code, or an HTTP status when it did not begin.
type End struct {
	err       error
	code      int
	status    int
	requested float64 // seconds that the server asked for; negative when it did not
	opened    time.Time
}

// String says it in the words of the other clients.
func (end End) String() string {
	switch {
	case end.status != 0:
		return fmt.Sprintf("refused with %d", end.status)
	case end.code != 0:
		return fmt.Sprintf("closed with %d", end.code)
	}
	return end.err.Error()
}

// isFinal tells whether to come back would be no use: another token is needed, or a person.
func (end End) isFinal() bool {
	return end.status == http.StatusForbidden || end.code == 4001 || end.code == 4003
}

// wait returns how long to wait after an end, which was one of so many failures in a row.
func (end End) wait(failures int) time.Duration {
	seconds := random.Float64() * math.Min(*longestWait, math.Max(*firstWait, math.Pow(2, float64(failures))))
	if end.requested >= 0 {
		seconds = end.requested * (1 + random.Float64())
	} else if end.code == 1008 || end.code == 1013 {
		seconds = random.Float64() * *longestWait
	}
	return time.Duration(seconds * float64(time.Second))
}

// listen prints what comes, and returns when the connection ends.
func listen(url string) (end End) {
	end.requested = -1
	header := http.Header{}
	if token := os.Getenv("RATES_TOKEN"); token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	patience := time.Duration(*quiet * float64(time.Second))
	dialer := websocket.Dialer{Subprotocols: []string{"rates.v1"}, HandshakeTimeout: patience}
	socket, response, err := dialer.Dial(url, header)
	if err != nil {
		end.err = err
		if response != nil {
			end.status = response.StatusCode
			if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
				end.requested = float64(seconds)
			}
		}
		return end
	}
	defer socket.Close()
	end.opened = time.Now()
	board := map[string]Coin{}
	for {
		socket.SetReadDeadline(time.Now().Add(patience)) // heartbeats come every 10 s
		var message Message
		if end.err = socket.ReadJSON(&message); end.err != nil {
			var closed *websocket.CloseError
			if errors.As(end.err, &closed) {
				end.code = closed.Code
			}
			return end
		}
		if message.Type == "bye" {
			end.requested = float64(message.RetryMS) / 1000
		}
		show(board, message)
	}
}

// show merges a message into the board, and prints the prices that came.
func show(board map[string]Coin, message Message) {
	if message.Type == "board" {
		for symbol := range board {
			delete(board, symbol)
		}
	}
	for _, symbol := range message.Removed {
		delete(board, symbol)
	}
	for _, coin := range message.Rates {
		board[coin.Symbol] = coin
		if coin.Price != nil {
			fmt.Println(message.AsOf, coin.Symbol, *coin.Price)
		}
	}
}

func main() {
	flag.Parse()
	if url := flag.Arg(0); !strings.HasPrefix(url, "ws://") && !strings.HasPrefix(url, "wss://") {
		fmt.Fprintf(os.Stderr, "%q is no address of a socket, such as ws://127.0.0.1:8000/ws/rates\n", url)
		os.Exit(2)
	}
	for failures := 0; ; failures++ {
		end := listen(flag.Arg(0))
		if end.isFinal() {
			fmt.Fprintln(os.Stderr, "not allowed:", end)
			os.Exit(1)
		}
		if !end.opened.IsZero() && time.Since(end.opened) > stableAfter {
			failures = 0
		}
		wait := end.wait(failures)
		fmt.Fprintf(os.Stderr, "%s; next attempt in %.3f s\n", end, wait.Seconds())
		time.Sleep(wait)
	}
}
