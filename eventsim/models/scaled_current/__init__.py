"""The fast form of CubaLIF: both decays scaled out, so that an input costs two additions and a comparison."""
