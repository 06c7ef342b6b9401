from autobahn_fast._core.codec import Codec

class MsgPackCodec(Codec):
    def __init__(self) -> None: ...
