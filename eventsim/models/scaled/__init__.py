"""The fast form of LIF, with time scaled out of the membrane."""
