"""The html report in a real browser: what is drawn, what a click does, what a hostile name does not.

page.py DIR CHROMIUM: opens DIR/race.html, order.html, hostile.html, many.html in a headless Chromium and
looks at what a reader would see, wide and narrow, light and dark; leaves pictures in DIR. The browser
is driven by its debugging pipe (descriptors 3 and 4, messages of JSON that end in a NUL), so that no port
is opened and nothing else is needed. Prints what is wrong; exit status 1 if anything was.
"""
import base64, json, os, select, subprocess, sys, time

class Browser:
    def __init__(self, chromium, profile):
        to_r, self.to = os.pipe()
        self.back, back_w = os.pipe()
        def child():
            # Out of the way of each other first: what pipe() gave may be 3 or 4 already.
            a, b = os.dup(to_r), os.dup(back_w)
            a, b = (os.dup2(a, 100), os.dup2(b, 101))
            os.dup2(a, 3)
            os.dup2(b, 4)
        self.process = subprocess.Popen(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-dev-shm-usage", "--disable-background-networking", "--user-data-dir=" + profile,
             "--remote-debugging-pipe", "about:blank"],
            preexec_fn=child, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=open(profile + ".log", "w"))
        os.close(to_r)
        os.close(back_w)
        self.n, self.text, self.session, self.events = 0, b"", None, []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")

    def receive(self):
        end = time.monotonic() + 60
        while b"\0" not in self.text:
            if not select.select([self.back], [], [], max(0, end - time.monotonic()))[0]:
                raise SystemExit("the browser does not answer")
            chunk = os.read(self.back, 1 << 20)
            if not chunk:
                raise SystemExit("the browser has ended")
            self.text += chunk
        message, self.text = self.text.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **params):
        self.n += 1
        message = {"id": self.n, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            m = self.receive()
            if m.get("id") == self.n:
                if "error" in m:
                    raise SystemExit("%s: %s" % (method, m["error"]))
                return m["result"]
            self.events.append(m.get("method"))

    def open(self, path):
        self.events = []
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        while "Page.loadEventFired" not in self.events:
            self.events.append(self.receive().get("method"))

    def size(self, width, height=900):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=False)

    def dark(self, on):
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if on else "light"}])

    def eval(self, js):
        r = self.call("Runtime.evaluate", expression=js, returnByValue=True)
        if "exceptionDetails" in r:
            raise SystemExit("%s: %s" % (js, r["exceptionDetails"]))
        return r["result"].get("value")

    def click(self, selector):
        """Where a reader would: in the middle of what is on the screen."""
        x, y = self.eval("(e => {e.scrollIntoView({block: 'center'}); let r = e.getClientRects()[0];"
                         " return [r.left + Math.min(30, r.width / 2), r.top + r.height / 2]})"
                         "(document.querySelector(%s))" % json.dumps(selector))
        for kind in "mousePressed", "mouseReleased":
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path):
        data = self.call("Page.captureScreenshot", format="png")["data"]
        open(path, "wb").write(base64.b64decode(data))

    def end(self):
        self.call("Browser.close")
        self.process.wait(20)

wrong = 0

def want(what, value, expected=True):
    global wrong
    if value != expected:
        wrong += 1
        print("WRONG: %s: %r, not %r" % (what, value, expected))

FITS = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
BOX = "(e => {let r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]})"

def until(what, b, js, expected=True):
    """A click's effect may come a moment after it."""
    for _ in range(200):
        if b.eval(js) == expected:
            return
        time.sleep(0.05)
    want(what, b.eval(js), expected)

SEEN = "(e => e.checkVisibility ? e.checkVisibility() && e.getBoundingClientRect().height > 0 : true)"

def boxes(b, selector):
    return b.eval("[...document.querySelectorAll(%s)].map(%s)" % (json.dumps(selector), BOX))

def main(folder, chromium):
    b = Browser(chromium, folder + "/profile")
    at = lambda name: os.path.join(folder, name)

    # A race: the two sides beside each other with their lines marked, stacks that open by a click.
    b.size(1280)
    b.dark(False)
    b.open(at("race.html"))
    sides = boxes(b, ".sides:first-of-type > section")
    want("sides of a race", len(sides), 2)
    want("they stand beside each other", sides[0][1] == sides[1][1] and sides[0][2] <= sides[1][0])
    middle = boxes(b, ".sides:first-of-type > .between")
    want("what orders them stands between", len(middle) == 1 and sides[0][2] <= middle[0][0] and
         middle[0][2] <= sides[1][0])
    steps = b.eval("[...document.querySelectorAll('.between li')].map(e => [e.className, e.textContent])")
    want("the steps, in order", [s[0] for s in steps], ["r", "l", "to-l", "end", "r hit", "l weak", "l", "l hit"])
    want("creation", "goroutine 2 is created" in steps[0][1] and "in main()" in steps[0][1])
    want("the last that was heard", "goroutine 2 did this holding 'mu'" in steps[2][1] and
         ":8 in log_one()" in steps[2][1])
    want("where the order ends", steps[3][1], "Nothing orders what goroutine 2 does from here on before goroutine 3")
    want("the lock held", "goroutine 3 locks 'mu'" in steps[6][1])
    want("each below the one before", all(x[3] <= y[1] for x, y in zip(boxes(b, ".between li"), boxes(b, ".between li")[1:])))
    want("a line is marked on each", len(boxes(b, ".sides:first-of-type > section .at")), 2)
    want("the marked line", "shared = 2" in b.eval("document.querySelector('.at').textContent"))
    want("nothing sticks out at 1280", b.eval(FITS))
    want("the stack is folded", b.eval("document.querySelector('section details').open"), False)
    want("its frames are not drawn", b.eval(SEEN + "(document.querySelector('section details ol'))"), False)
    b.click("section details summary")
    until("a click opens it", b, "document.querySelector('section details').open")
    shown = boxes(b, "section details[open] ol li")
    want("its frames are drawn", len(shown) > 0 and shown[0][3] > shown[0][1])
    b.click("section details summary")
    until("another closes it", b, "document.querySelector('section details').open", False)
    want("the text report is there",
         "WARNING: DATA RACE" in b.eval("[...document.querySelectorAll('article > details')].pop().textContent"))
    b.click("body > ol a")
    until("the list leads to the finding", b, "location.hash", "#f1")
    want("which is then in view", 0 <= b.eval("document.querySelector('#f1').getBoundingClientRect().top") < 900)
    b.eval("scrollTo(0, 0)")
    b.picture(at("race.png"))
    light = b.eval("getComputedStyle(document.body).color")
    b.dark(True)
    want("dark is another colour", b.eval("getComputedStyle(document.body).color") != light)
    b.picture(at("race-dark.png"))
    b.dark(False)
    for width in 800, 400, 320:
        b.size(width)
        want("nothing sticks out at %d" % width, b.eval(FITS))
    sides = boxes(b, ".sides:first-of-type > section")
    want("narrow, they stand one below the other", sides[0][3] <= sides[1][1])
    middle = boxes(b, ".sides:first-of-type > .between")
    want("and the order between them", sides[0][3] <= middle[0][1] and middle[0][3] <= sides[1][1])
    b.size(400)
    b.picture(at("race-narrow.png"))

    # A cycle of locks: drawn, with its names inside the picture and an arrow for each step.
    b.size(1280)
    b.open(at("order.html"))
    frame = boxes(b, "article svg")
    want("the cycle is drawn", len(frame), 1)
    want("an arrow for each step", b.eval("document.querySelectorAll('svg path[marker-end]').length"), 2)
    names = b.eval("[...document.querySelectorAll('svg text')].map(t => t.textContent)")
    want("with the locks' names", "'first'" in names and "'second'" in names)
    texts = boxes(b, "article svg text")
    f = frame[0]
    want("all of it inside the picture",
         all(f[0] <= t[0] and f[1] <= t[1] and t[2] <= f[2] and t[3] <= f[3] for t in texts))
    apart = all(a[2] <= c[0] or c[2] <= a[0] or a[3] <= c[1] or c[3] <= a[1]
                for i, a in enumerate(texts) for c in texts[:i])
    want("no name on another", apart)
    want("no name on an arrow", b.eval("""
        [...document.querySelectorAll('svg path[marker-end]')].every(p =>
            [...document.querySelectorAll('svg text')].every(t => {
                let r = t.getBBox();
                for (let k = 0; k <= 40; k++) {
                    let q = p.getPointAtLength(p.getTotalLength() * k / 40);
                    if (q.x > r.x && q.x < r.x + r.width && q.y > r.y && q.y < r.y + r.height)
                        return false;
                }
                return true;
            }))"""))
    b.picture(at("order.png"))

    # On a small screen too its letters are of a size to be read; and the cycle that is there is drawn.
    b.size(400)
    for page in ("order.html", "stuck.html"):
        b.open(at(page))
        want("the cycle is drawn in " + page, b.eval("document.querySelectorAll('svg path[marker-end]').length"), 2)
        want("letters to be read in " + page, b.eval(
            "[...document.querySelectorAll('svg text')].every(t => t.getBoundingClientRect().height >= 12)"))
        b.picture(at(page.replace(".html", "-narrow.png")))
    b.dark(True)
    b.picture(at("order-dark.png"))
    b.dark(False)
    b.size(400)
    want("nothing sticks out at 400", b.eval(FITS))
    b.picture(at("order-narrow.png"))

    # Names are text, whatever they are; long ones do not push the page apart.
    b.size(1280)
    b.open(at("hostile.html"))
    want("no script", b.eval("document.scripts.length"), 0)
    want("no picture", b.eval("document.images.length"), 0)
    want("the title", b.eval("document.title").startswith("goc-race: "))
    want("the name is shown", "<script>" in b.eval("document.body.textContent"))
    for width in 1280, 400:
        b.size(width)
        want("a long name at %d" % width, b.eval(FITS))
    b.picture(at("hostile-narrow.png"))

    # A thousand findings.
    b.size(1280)
    b.open(at("many.html"))
    want("findings", b.eval("document.querySelectorAll('article').length"), 1000)
    b.click("body > ol li:nth-child(1000) a")
    until("the last is reached", b, "location.hash", "#f1000")
    want("nothing sticks out", b.eval(FITS))
    b.picture(at("many.png"))
    b.end()
    return wrong != 0

sys.exit(main(sys.argv[1], sys.argv[2]))
