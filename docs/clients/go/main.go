// Print prices as they change: go run . ws://127.0.0.1:8000/ws/rates
package main

import (
	"fmt"
	"log"
	"math/rand"
	"net/http"
	"os"
	"time"

	"github.com/gorilla/websocket"
)

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

// listen returns when the connection ends, with the wait that the server asked for.
func listen(url string) (wait time.Duration, err error) {
	header := http.Header{}
	if token := os.Getenv("RATES_TOKEN"); token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	dialer := websocket.Dialer{Subprotocols: []string{"rates.v1"}, HandshakeTimeout: 10 * time.Second}
	socket, _, err := dialer.Dial(url, header)
	if err != nil {
		return 0, err
	}
	defer socket.Close()
	board := map[string]Coin{}
	for {
		socket.SetReadDeadline(time.Now().Add(30 * time.Second)) // heartbeats come every 10 s
		var message Message
		if err := socket.ReadJSON(&message); err != nil {
			return wait, err
		}
		switch message.Type {
		case "board":
			board = map[string]Coin{}
			fallthrough
		case "update":
			for _, coin := range message.Rates {
				board[coin.Symbol] = coin
				if coin.Price != nil {
					fmt.Println(message.AsOf, coin.Symbol, *coin.Price)
				}
			}
			for _, symbol := range message.Removed {
				delete(board, symbol)
			}
		case "bye":
			wait = time.Duration(message.RetryMS) * time.Millisecond
		}
	}
}

func main() {
	for longest := time.Second; ; longest = min(2*longest, 30*time.Second) {
		began := time.Now()
		wait, err := listen(os.Args[1])
		log.Print(err)
		if websocket.IsCloseError(err, 4001, 4003) {
			os.Exit(1)
		}
		if time.Since(began) > time.Minute {
			longest = time.Second
		}
		time.Sleep(wait + time.Duration(rand.Int63n(int64(longest))))
	}
}

func min(a, b time.Duration) time.Duration {
	if a < b {
		return a
	}
	return b
}
