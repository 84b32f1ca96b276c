"""A server of ours on a loopback port, for as long as it is entered."""

import http.server
import threading


class Loopback:
    """`handler()` gives the class that answers; `url` says where."""

    def handler(self):
        raise NotImplementedError

    def __enter__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      self.handler())
        self.server.daemon_threads = True
        self.address = "127.0.0.1:%d" % self.server.server_address[1]
        self.url = "http://" + self.address
        threading.Thread(target=self.server.serve_forever,
                         kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
